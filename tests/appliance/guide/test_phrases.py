import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guide.phrases import expand, load_sections, load_words, mentions, parse

WORDS = {"box": parse("luna|the box"), "verb": parse("(re|)start|halt {box}")}


def phrasings(line: str) -> set[str]:
    rng = random.Random(0)
    return {expand(parse(line), WORDS, rng) for _ in range(300)}


def test_alternatives_and_words_expand_to_every_phrasing() -> None:
    assert phrasings("(how|where) is {box} (|now)") == {
        f"{ask} is {box}{end}"
        for ask in ("how", "where")
        for box in ("luna", "the box")
        for end in ("", " now")
    }


def test_words_may_refer_to_words() -> None:
    assert phrasings("{verb}") == {"start", "restart", "halt luna", "halt the box"}


def test_the_same_seed_gives_the_same_phrasings() -> None:
    choice = parse("({box}|it) (is|was) {verb}")
    first, second = random.Random(7), random.Random(7)
    assert [expand(choice, WORDS, first) for _ in range(50)] == [
        expand(choice, WORDS, second) for _ in range(50)
    ]


@pytest.mark.parametrize("line", ["(open", "shut)", "(a|(b)", "a)b(", "{box", "box}", "{}"])
def test_unbalanced_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"[({]"):
        parse(line)


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        expand(parse("{nothing}"), WORDS, random.Random(0))


def test_mentions_looks_into_alternatives_but_not_into_words() -> None:
    assert mentions(parse("a (b|c {box})"), "box")
    assert not mentions(parse("a {verb}"), "box")


LINES = st.lists(st.sampled_from(["a", "b c", "{a}", "(", "|", ")", "{", "}"])).map("".join)


@given(LINES)
def test_any_line_parses_or_says_why_not(line: str) -> None:
    try:
        choice = parse(line)
    except ValueError:
        return
    assert not set("(|){}") & set(expand(choice, {"a": parse("x")}, random.Random(1)))


def test_files_have_comments_sections_and_lists_that_grow(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("# note\n[one]\na b\n\n[two]\nc\n[one]\nd\n", encoding="utf-8")
    sections = load_sections(path)
    assert {name: len(lines) for name, lines in sections.items()} == {"one": 2, "two": 1}
    path.write_text("box = a|b\nbox = c\n", encoding="utf-8")
    assert load_words(path)["box"] == parse("a|b|c")


def test_a_phrasing_outside_any_section_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("lost\n[one]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lost"):
        load_sections(path)
