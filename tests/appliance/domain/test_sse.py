from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.domain import sse

# Pieces that make up real and hostile streams: fields, comments, every kind of line end.
PIECES = st.lists(
    st.sampled_from(
        b"data|data:|data: |data:  x|event: y|id|: ping|\n|\r|\r\n|\n\n|x| |:|\x00\xff".split(b"|")
    ),
    max_size=40,
).map(b"".join)
STREAMS = PIECES | st.binary(max_size=60)


def reference(stream: bytes) -> list[bytes]:
    """WHATWG HTML, section 9.2.6, for a stream that has not ended: one character at a time.

    A CR at the very end is not a line end yet, it may be the first half of a CRLF.
    """
    normal = stream[:-1] if stream.endswith(b"\r") else stream
    normal = normal.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[bytes] = []
    data: list[bytes] = []
    for line in normal.split(b"\n")[:-1]:
        name, colon, value = line.partition(b":")
        if not line:
            events += [b"\n".join(data)] if data else []
            data = []
        elif name == b"data":
            data.append(value.removeprefix(b" ") if colon else b"")
    return events


def fed(stream: bytes, cuts: list[int]) -> list[bytes]:
    decoder = sse.Decoder()
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    return [event for piece in pieces for event in decoder.feed(piece)]


@given(STREAMS)
@example(b"data: a\r\n\r\n")
@example(b"data: a\r\rdata: b\n\r\n")
def test_a_stream_in_one_piece_is_read_as_the_standard_says(stream: bytes) -> None:
    assert fed(stream, []) == reference(stream)


@given(STREAMS, st.lists(st.integers(min_value=0), max_size=10))
def test_a_cut_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    assert fed(stream, cuts) == fed(stream, [])


@given(STREAMS)
def test_single_bytes_change_nothing(stream: bytes) -> None:
    assert fed(stream, list(range(len(stream)))) == fed(stream, [])


@given(st.lists(st.binary(max_size=20).filter(lambda data: not set(data) & set(b"\r\n"))))
def test_what_is_encoded_is_decoded(events: list[bytes]) -> None:
    stream = b"".join(sse.encode(event) + sse.comment("ping") for event in events)
    assert fed(stream, []) == events


def test_lines_of_one_event_are_joined() -> None:
    assert sse.Decoder().feed(b"data: a\ndata\ndata:b\n\n") == [b"a\n\nb"]


def test_an_unfinished_event_is_none() -> None:
    assert sse.Decoder().feed(b"data: a\n") == []


@pytest.mark.parametrize("text", ["prefill 3/9", "é"])
def test_a_comment_is_no_event(text: str) -> None:
    assert sse.Decoder().feed(sse.comment(text) + sse.encode(b"{}")) == [b"{}"]
