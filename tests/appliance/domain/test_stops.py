from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.stops import StopScanner

# Few letters, so that stop strings occur, overlap and contain each other.
LETTERS = "ab\u00e9"
STOPS = st.lists(st.text(LETTERS, max_size=4), max_size=4).map(tuple)
PIECES = st.lists(st.text(LETTERS, max_size=6), max_size=10)


def reference(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """What is shown of `text`, and whether it was stopped, read one character at a time.

    The first moment at which the text read so far ends with a stop string is the end; if it ends
    with several then, the longest of them is cut off. That does not depend on how a tokenizer
    cuts the text, unlike "the leftmost match", which needs to know what comes later.
    """
    for end in range(1, len(text) + 1):
        complete = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if complete:
            return text[: end - max(map(len, complete))], True
    return text, False


@given(PIECES, STOPS)
def test_the_word_that_was_met_is_told(pieces: list[str], stops: tuple[str, ...]) -> None:
    scanner, text = StopScanner(stops), "".join(pieces)
    shown = "".join(scanner.feed(piece) for piece in pieces) + scanner.close()
    assert (scanner.word in stops) is scanner.stopped or scanner.word == ""
    assert bool(scanner.word) is scanner.stopped
    assert text.startswith(shown + scanner.word)


def scanned(pieces: list[str], stops: tuple[str, ...]) -> tuple[str, bool]:
    scanner = StopScanner(stops)
    shown = "".join(scanner.feed(piece) for piece in pieces) + scanner.close()
    return shown, scanner.stopped


@given(PIECES, STOPS)
def test_any_cut_is_read_as_single_characters(pieces: list[str], stops: tuple[str, ...]) -> None:
    assert scanned(pieces, stops) == reference("".join(pieces), stops)


@given(PIECES, STOPS)
def test_what_was_shown_never_has_to_be_taken_back(
    pieces: list[str], stops: tuple[str, ...]
) -> None:
    scanner = StopScanner(stops)
    shown = ""
    whole = reference("".join(pieces), stops)[0]
    for piece in pieces:
        shown += scanner.feed(piece)
        assert whole.startswith(shown)
        assert not any(stop in shown for stop in stops if stop)


@given(PIECES, STOPS)
def test_nothing_is_held_back_without_need(pieces: list[str], stops: tuple[str, ...]) -> None:
    scanner = StopScanner(stops)
    shown = "".join(scanner.feed(piece) for piece in pieces)
    held = "".join(pieces)[len(shown) :]
    if held and not scanner.stopped:
        assert any(stop.startswith(held) and stop != held for stop in stops)


@pytest.mark.parametrize(
    ("text", "stops", "shown"),
    [
        ("one STOP two", ("STOP",), "one "),
        ("abcd", ("abcd", "bc"), "a"),  # "bc" is complete before "abcd"
        ("xabc", ("bc", "abc"), "x"),  # both are complete at once: the longest
        ("aab", ("ab",), "a"),
        ("text", ("",), "text"),
    ],
)
def test_examples(text: str, stops: tuple[str, ...], shown: str) -> None:
    assert scanned([text], stops)[0] == shown
    assert scanned(list(text), stops)[0] == shown


def test_nothing_comes_after_a_stop() -> None:
    scanner = StopScanner(("x",))
    assert scanner.feed("ax") == "a"
    assert scanner.feed("more") == ""
    assert scanner.close() == ""
