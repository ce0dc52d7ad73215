from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.utf8 import Joiner

TEXTS = st.text(max_size=20).map(str.encode) | st.binary(max_size=30)
PIECES = st.lists(st.binary(max_size=5)) | TEXTS.map(lambda data: [bytes([byte]) for byte in data])


@given(PIECES)
def test_any_cut_decodes_as_the_whole(pieces: list[bytes]) -> None:
    joiner = Joiner()
    text = "".join(joiner.feed(piece) for piece in pieces) + joiner.close()
    assert text == b"".join(pieces).decode("utf-8", "replace")


@given(st.text(max_size=20))
def test_only_whole_characters_come_out(text: str) -> None:
    joiner = Joiner()
    shown = ""
    for byte in text.encode():
        shown += joiner.feed(bytes([byte]))
        assert text.startswith(shown)
    assert shown == text
    assert joiner.close() == ""


def test_an_unfinished_character_is_said_to_be_one() -> None:
    joiner = Joiner()
    assert joiner.feed("é".encode()[:1]) == ""
    assert joiner.close() == "\N{REPLACEMENT CHARACTER}"
