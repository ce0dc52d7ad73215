"""A request's header: what is taken, what is refused and with which status."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.http.head import Head
from appliance.http.limits import Limits
from appliance.http.refusal import Refusal

LIMITS = Limits(target_bytes=200, header_fields=5, body_bytes=1000)


def parse(*lines: str, limits: Limits = LIMITS) -> Head:
    return Head.parse("\r\n".join(lines).encode("latin-1"), limits)


def refused(*lines: str) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        parse(*lines)
    return caught.value.status.value, caught.value.code


def test_a_request_is_taken_apart() -> None:
    head = parse("POST /v1/a%20b?q=%C3%A9 HTTP/1.1", "Host: luna.local:8080", "Content-Length: 7")
    assert (head.method, head.path, head.query) == ("POST", b"/v1/a b", b"q=%C3%A9")
    assert head.target == "/v1/a%20b?q=%C3%A9"
    assert head.fields == {"host": b"luna.local:8080", "content-length": b"7"}
    assert (head.length, head.chunked, head.has_body) == (7, False, True)


def test_an_encoded_slash_is_a_slash() -> None:
    assert parse("GET /models/org%2Fname HTTP/1.1", "Host: a").path == b"/models/org/name"


@pytest.mark.parametrize("value", ["a:b", "a\tb", "", "caf\xe9"])
def test_field_values_may_be(value: str) -> None:
    assert parse("GET / HTTP/1.1", "Host: a", f"X: \t{value} ").fields["x"] == value.encode(
        "latin-1"
    )


def test_repeated_fields_are_joined() -> None:
    head = parse("GET / HTTP/1.1", "Host: a", "Accept: x", "accept: y", "Cookie: p", "Cookie: q")
    assert (head.fields["accept"], head.fields["cookie"]) == (b"x, y", b"p; q")


def test_a_name_with_an_underscore_does_not_pass_for_another() -> None:
    assert parse("POST / HTTP/1.1", "Host: a", "Content_Length: 5").fields == {"host": b"a"}


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("GET /", (400, "bad_request_line")),
        ("GET  / HTTP/1.1", (400, "bad_request_line")),
        ("GET / HTTP/1.1 ", (400, "bad_request_line")),
        ("get / HTTP/1.1", (400, "bad_request_line")),
        ("GET / HTTP/11", (400, "bad_request_line")),
        ("GET / http/1.1", (400, "bad_request_line")),
        ("GET /\x00 HTTP/1.1", (400, "bad_request_line")),
        ("GET /a\rb HTTP/1.1", (400, "bad_request_line")),
        ("GET /\xe9 HTTP/1.1", (400, "bad_request_line")),
        ("GET / HTTP/2.0", (505, "bad_http_version")),
        ("PRI * HTTP/2.0", (505, "bad_http_version")),
        ("GET / HTTP/1.2", (505, "bad_http_version")),
        ("GET / HTTP/0.9", (505, "bad_http_version")),
        ("GET /" + "a" * 200 + " HTTP/1.1", (414, "target_too_long")),
        ("GET /%zz HTTP/1.1", (400, "bad_escape")),
        ("GET /a% HTTP/1.1", (400, "bad_escape")),
        ("GET /?a=%g0 HTTP/1.1", (400, "bad_escape")),
        ("GET /%00 HTTP/1.1", (400, "bad_escape")),
        ("GET /%ff HTTP/1.1", (400, "bad_escape")),
        ("GET /?a=%ff HTTP/1.1", (400, "bad_escape")),
        ("GET /a#b HTTP/1.1", (400, "bad_target")),
        ("GET a HTTP/1.1", (400, "bad_target")),
        ("GET * HTTP/1.1", (400, "bad_target")),
        ("CONNECT a:443 HTTP/1.1", (400, "bad_target")),
        ("GET ftp://a/ HTTP/1.1", (400, "bad_target")),
    ],
)
def test_a_bad_request_line_is_refused(line: str, refusal: tuple[int, str]) -> None:
    assert refused(line, "Host: a") == refusal


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ([], (400, "missing_host")),
        (["Host: a", "Host: a"], (400, "bad_host")),
        (["Host: a b"], (400, "bad_host")),
        (["Host: a/b"], (400, "bad_host")),
        (["Host: u@a"], (400, "bad_host")),
        (["Host: a", "Content-Length: -5"], (400, "bad_length")),
        (["Host: a", "Content-Length: +5"], (400, "bad_length")),
        (["Host: a", "Content-Length: 5_0"], (400, "bad_length")),
        (["Host: a", "Content-Length: 0x5"], (400, "bad_length")),
        (["Host: a", "Content-Length: 5, 5"], (400, "bad_length")),
        (["Host: a", "Content-Length:"], (400, "bad_length")),
        (["Host: a", "Content-Length: " + "9" * 5000], (400, "bad_length")),
        (["Host: a", "Content-Length: 5", "Content-Length: 6"], (400, "bad_length")),
        (["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"], (400, "bad_framing")),
        (["Host: a", "Content-Length: 1001"], (413, "request_too_large")),
        (["Host: a", "Transfer-Encoding: gzip"], (501, "unknown_transfer_encoding")),
        (["Host: a", "Transfer-Encoding: gzip, chunked"], (501, "unknown_transfer_encoding")),
        (
            ["Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            (501, "unknown_transfer_encoding"),
        ),
        (["Host: a", "Transfer-Encoding: \x0bchunked"], (400, "bad_header")),
        (["Host: a", "Expect: miracles"], (417, "unknown_expectation")),
        (["Host: a", " folded"], (400, "bad_header")),
        (["Host: a", "X : b"], (400, "bad_header")),
        (["Host: a", ": b"], (400, "bad_header")),
        (["Host: a", "X"], (400, "bad_header")),
        (["Host: a", "X: a\x00b"], (400, "bad_header")),
        (["Host: a", "X: a\rb"], (400, "bad_header")),
        (["Host: a", "X: a\nContent-Length: 5"], (400, "bad_header")),
        (["Host: a", "X\x00: b"], (400, "bad_header")),
        (["Host: a", *(f"X-{n}: b" for n in range(5))], (431, "too_many_headers")),
    ],
)
def test_bad_fields_are_refused(fields: list[str], refusal: tuple[int, str]) -> None:
    assert refused("POST / HTTP/1.1", *fields) == refusal


def test_the_same_length_twice_is_one_length() -> None:
    assert parse("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 5").length == 5


def test_chunks_need_http_1_1() -> None:
    assert refused("POST / HTTP/1.0", "Transfer-Encoding: chunked") == (400, "bad_framing")
    assert parse("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: Chunked").chunked


def test_http_1_0_needs_no_host() -> None:
    assert parse("GET / HTTP/1.0").version == "HTTP/1.0"


def test_an_absolute_target_names_the_host() -> None:
    head = parse("GET http://luna.local:80/a?b HTTP/1.1", "Host: evil")
    assert (head.path, head.query, head.fields["host"]) == (b"/a", b"b", b"luna.local:80")
    assert parse("GET HTTP://a HTTP/1.1", "Host: a").path == b"/"


def test_options_may_ask_about_the_server() -> None:
    assert parse("OPTIONS * HTTP/1.1", "Host: a").path == b"*"


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "Upgrade, Close", False),
        ("1.1", "keep-alive", True),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
        ("1.0", "keep-alive, close", False),
    ],
)
def test_who_keeps_the_connection(version: str, connection: str | None, keeps: bool) -> None:
    fields = [] if connection is None else [f"Connection: {connection}"]
    assert parse(f"GET / HTTP/{version}", "Host: a", *fields).keeps_alive is keeps


def test_an_expectation_counts_only_with_a_body() -> None:
    expect = "Expect: 100-Continue"
    assert parse("POST / HTTP/1.1", "Host: a", expect, "Content-Length: 1").expects_continue
    assert not parse("POST / HTTP/1.1", "Host: a", expect).expects_continue
    assert not parse("POST / HTTP/1.0", expect, "Content-Length: 1").expects_continue


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_never_worse(data: bytes) -> None:
    with suppress(Refusal):
        Head.parse(data, LIMITS)


@given(
    st.lists(
        st.sampled_from(
            [
                b"GET ",
                b"/",
                b" HTTP/1.1",
                b"\r\n",
                b"\n",
                b"\r",
                b"Host: a",
                b"\x00",
                b" ",
                b":",
                b"%",
            ]
        ),
        max_size=12,
    )
)
def test_no_control_character_gets_through(pieces: list[bytes]) -> None:
    try:
        head = Head.parse(b"".join(pieces), LIMITS)
    except Refusal:
        return
    seen = head.path + head.query + b"".join(head.fields.values())
    assert not set(seen) & {0, 10, 13}
