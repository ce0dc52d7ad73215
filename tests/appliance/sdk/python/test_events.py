from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luna_client.events import events

# Whatever JSON holds between its quotes: no line breaks, but U+2028 and all the others.
texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    ends = sorted(place % (len(data) + 1) for place in places)
    starts = [0, *ends]
    return [data[a:b] for a, b in zip(starts, [*ends, len(data)], strict=True)]


@given(st.lists(texts, max_size=5), st.lists(st.integers(0), max_size=20))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_cut_anywhere_it_reads_the_same(end: str, sent: list[str], places: list[int]) -> None:
    stream = "".join(f": news{end}data: {text}{end}{end}" for text in sent) + ": end\n"
    read = [data.decode() for data in events(cut(stream.encode(), places))]
    assert read == sent


def test_byte_by_byte() -> None:
    stream = 'event: x\ndata: {"token":"€🌙"}\n\ndata:a\ndata: b\n\nid: 7\n\n'.encode()
    pieces = [bytes([byte]) for byte in stream]
    assert list(events(pieces)) == ['{"token":"€🌙"}'.encode(), b"a\nb"]


@given(st.lists(st.binary(max_size=8), max_size=12))
def test_any_bytes_are_read(pieces: list[bytes]) -> None:
    assert all(isinstance(data, bytes) for data in events(pieces))


def test_an_event_without_its_end_is_none() -> None:
    assert list(events([b"data: a\n\ndata: b\n"])) == [b"a"]
