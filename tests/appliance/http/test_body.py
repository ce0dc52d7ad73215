"""Request bodies: known length and chunks, cut anywhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.http.body import Chunked, Sized
from appliance.http.limits import Limits
from appliance.http.refusal import Refusal

LIMITS = Limits(body_bytes=100_000, header_bytes=500)


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailer + b"\r\n"


def refused(data: bytes, limits: Limits = LIMITS) -> tuple[int, str]:
    body = Chunked(limits)
    with pytest.raises(Refusal) as caught:
        body.take(bytearray(data))
    return caught.value.status.value, caught.value.code


def test_a_known_length_takes_no_more() -> None:
    body, buffer = Sized(5), bytearray(b"123")
    assert not body.take(buffer)
    buffer += b"4567"
    assert body.take(buffer)
    assert (body.data.getvalue(), bytes(buffer)) == (b"12345", b"67")


def test_no_body_takes_nothing() -> None:
    buffer = bytearray(b"GET")
    assert Sized(0).take(buffer)
    assert buffer == b"GET"


def test_chunks_are_joined_and_trailers_read_over() -> None:
    body, buffer = Chunked(LIMITS), bytearray(chunked(b"ab", b"c" * 20, trailer=b"X: y\r\n"))
    buffer += b"GET"
    assert body.take(buffer)
    assert (body.data.getvalue(), bytes(buffer)) == (b"ab" + b"c" * 20, b"GET")


def test_extensions_are_read_over() -> None:
    body = Chunked(LIMITS)
    assert body.take(bytearray(b'2;a=b;c="d"\r\nhi\r\n0 ;e\r\n\r\n'))
    assert body.data.getvalue() == b"hi"


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.data())
def test_chunks_may_be_cut_anywhere(chunks: list[bytes], data: st.DataObject) -> None:
    wire = chunked(*chunks) + b"next"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    body, buffer, whole = Chunked(LIMITS), bytearray(), False
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        buffer += wire[start:end]
        whole = whole or body.take(buffer)
    assert whole
    assert (body.data.getvalue(), bytes(buffer)) == (b"".join(chunks), b"next")


@pytest.mark.parametrize(
    "wire",
    [
        b"x\r\n",
        b"\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b" 1\r\n",
        b"1" * 17 + b"\r\n",
        b"1\n",
        b"1\r\nab",
        b"1\r\na\n\n",
        b"1\r\na\r\r",
        b"1;a\x00\r\n",
        b"1;" + b"a" * 2000,
        b"0\r\nX: y\n\n",
    ],
)
def test_a_broken_chunk_is_refused(wire: bytes) -> None:
    assert refused(wire) == (400, "bad_chunk")


def test_too_much_is_refused_before_it_comes() -> None:
    assert refused(b"186A1\r\n") == (413, "request_too_large")
    assert refused(b"fffffffffffffff\r\n") == (413, "request_too_large")
    assert refused(b"10000\r\n" + b"a" * 65536 + b"\r\n86A1\r\n") == (413, "request_too_large")


def test_a_body_of_just_the_limit_is_taken() -> None:
    assert Chunked(LIMITS).take(bytearray(chunked(b"a" * 100_000)))


def test_crumbs_are_refused() -> None:
    assert refused(b"1\r\na\r\n" * 2000) == (400, "chunks_too_small")


def test_a_thousand_small_chunks_are_not_crumbs() -> None:
    assert Chunked(LIMITS).take(bytearray(chunked(*[b"a"] * 1000)))


def test_endless_trailers_are_refused() -> None:
    assert refused(b"0\r\n" + b"X: y\r\n" * 200) == (431, "headers_too_large")


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_worse(data: bytes) -> None:
    with suppress(Refusal):
        Chunked(LIMITS).take(bytearray(data))
