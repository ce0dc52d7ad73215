"""From bytes to whole requests, however the bytes are cut."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.http.intake import Arrival, Intake
from appliance.http.limits import Limits
from appliance.http.refusal import Refusal

LIMITS = Limits(target_bytes=100, header_bytes=300)
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
CHUNKS = b"PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"


def refused(data: bytes) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        Intake(LIMITS).feed(data)
    return caught.value.status.value, caught.value.code


def told(arrival: Arrival) -> tuple[str, bytes, bytes]:
    return arrival.head.method, arrival.head.path, arrival.body.read()


@given(st.data())
def test_pipelined_requests_may_be_cut_anywhere(data: st.DataObject) -> None:
    wire = GET + b"\r\n" + POST + CHUNKS + GET
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    intake, seen = Intake(LIMITS), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        arrival = intake.feed(wire[start:end])
        while arrival is not None:
            seen.append(told(arrival))
            arrival = intake.feed(b"")
    expected = [("GET", b"/a", b""), ("POST", b"/b", b"\r\n\r\n"), ("PUT", b"/c", b"hi")]
    assert seen == [*expected, expected[0]]
    assert not intake.begun


def test_it_knows_whether_a_request_has_begun() -> None:
    intake = Intake(LIMITS)
    assert not intake.begun
    intake.feed(b"\r\n")
    assert not intake.begun
    intake.feed(b"G")
    assert intake.begun
    intake.clear()
    assert not intake.begun


def test_it_counts_what_has_come_of_a_body() -> None:
    intake = Intake(LIMITS)
    assert intake.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123") is None
    assert intake.received == 3
    assert intake.head is not None
    assert intake.feed(b"456789") is not None
    assert intake.received == 0
    assert intake.head is None


def test_a_long_request_line_is_refused_early_and_late() -> None:
    assert refused(b"GET /" + b"a" * 100) == (414, "target_too_long")
    assert refused(b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: a\r\n\r\n") == (
        414,
        "target_too_long",
    )
    assert refused(b"GET /" + b"a" * 400 + b" HTTP/1.1\r\nHost: a\r\n\r\n") == (
        414,
        "target_too_long",
    )


def test_a_large_header_is_refused_early_and_late() -> None:
    large = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 300
    assert refused(large) == (431, "headers_too_large")
    assert refused(large + b"\r\n\r\n") == (431, "headers_too_large")


def test_a_header_of_just_the_limit_is_taken() -> None:
    start = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
    assert Intake(LIMITS).feed(start + b"a" * (300 - len(start)) + b"\r\n\r\n") is not None


@pytest.mark.parametrize("wire", [b"\x16\x03\x01", b"get", b"\n", b"\rG", b" GET", b"\xff"])
def test_what_is_not_http_is_refused_at_once(wire: bytes) -> None:
    assert refused(wire)[0] == 400


@pytest.mark.parametrize("wire", [b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\n\n"])
def test_bare_line_feeds_are_refused_at_once(wire: bytes) -> None:
    assert refused(wire) == (400, "bad_line_end")


def test_a_lone_carriage_return_may_become_an_empty_line() -> None:
    intake = Intake(LIMITS)
    assert intake.feed(b"\r") is None
    assert intake.feed(b"\n" + GET) is not None


@given(st.binary(max_size=400), st.integers(1, 50))
def test_garbage_is_refused_and_never_worse(data: bytes, step: int) -> None:
    intake = Intake(LIMITS)
    with suppress(Refusal):
        for start in range(0, len(data), step):
            intake.feed(data[start : start + step])
