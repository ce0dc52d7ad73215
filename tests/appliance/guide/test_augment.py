import random

from hypothesis import given
from hypothesis import strategies as st

from appliance.guide.augment import dress, drop_small_words, mistype, roughen
from appliance.guide.phrases import parse

WORDS = {"opening": parse("hello"), "closing": parse("please")}
PHRASES = st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1).map(" ".join)


@given(PHRASES, st.integers())
def test_mistyping_changes_at_most_one_word(text: str, seed: int) -> None:
    before, after = text.split(" "), mistype(text, random.Random(seed)).split(" ")
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 1


def test_short_words_are_never_mistyped() -> None:
    assert mistype("it is up", random.Random(1)) == "it is up"


def test_only_small_words_are_dropped_and_two_words_stay() -> None:
    assert drop_small_words("where is the label", random.Random(1), 1.0) == "where label"
    assert drop_small_words("what is it", random.Random(1), 1.0) == "what is it"


def test_dressing_keeps_the_text_inside() -> None:
    dressed = {dress("x", WORDS, random.Random(seed)) for seed in range(40)}
    assert dressed == {"x please", "hello x", "hello x please"}


@given(PHRASES, st.integers())
def test_roughening_is_reproducible(text: str, seed: int) -> None:
    first = roughen(text, WORDS, random.Random(seed))
    assert first == roughen(text, WORDS, random.Random(seed))
    assert first.strip()
