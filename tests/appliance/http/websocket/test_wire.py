"""Every case of the protocol that a client can get right or wrong, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.http.websocket.wire import Wire, text_frame
from tests.helpers.sockets import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

MOST = 1000


def said(wire: Wire) -> list[tuple[int, bytes]]:
    """The frames that it sends, all of them small."""
    data, frames = wire.outgoing(), []
    while data:
        size = data[1]
        frames.append((data[0] & 0x0F, data[2 : 2 + size]))
        data = data[2 + size :]
    return frames


def code(frames: list[tuple[int, bytes]]) -> int:
    """The code of the only frame."""
    ((opcode, data),) = frames
    assert opcode == CLOSE
    return int.from_bytes(data[:2], "big")


def fed(*frames: bytes) -> tuple[list[str], Wire]:
    """What a wire made of them, all in one piece."""
    wire = Wire(MOST)
    return wire.feed(b"".join(frames)), wire


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, MOST])
def test_a_message_of_any_length(size: int) -> None:
    texts, wire = fed(frame(TEXT, b"*" * size))
    assert texts == ["*" * size]
    assert wire.is_open
    assert not wire.is_midway
    assert wire.held == 0
    assert said(wire) == []


@given(
    st.lists(st.text(max_size=40), max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_bytes_may_be_cut_anywhere(texts: list[str], cuts: list[int]) -> None:
    data = b"".join(frame(TEXT, text.encode()) for text in texts)
    wire, heard = Wire(MOST), []
    while data:
        for cut in cuts:
            heard += wire.feed(data[:cut])
            data = data[cut:]
    assert heard == texts


@given(st.text(max_size=60), st.integers(1, 7))
def test_fragments_are_joined_and_pings_between_them_answered(text: str, size: int) -> None:
    data = text.encode()
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    frames = [frame(TEXT, fin=False)]
    for number, piece in enumerate(pieces):
        frames += [frame(PING, b"%d" % number), frame(CONTINUATION, piece, fin=False)]
    texts, wire = fed(*frames, frame(PONG, b"unasked"), frame(CONTINUATION))
    assert texts == [text]
    assert said(wire) == [(PONG, b"%d" % number) for number in range(len(pieces))]


def test_a_ping_comes_back_as_it_was() -> None:
    _, wire = fed(frame(PING), frame(PING, bytes(range(125))))
    assert said(wire) == [(PONG, b""), (PONG, bytes(range(125)))]


@pytest.mark.parametrize(
    "bad",
    [
        frame(PING, b"*" * 126),
        frame(PING, fin=False),
        frame(CLOSE, b"*"),
        frame(TEXT, b"x", masked=False),
        frame(CONTINUATION, b"x"),
        frame(CONTINUATION, b"x", fin=False),
        frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
        *(frame(TEXT, b"x", reserved=bits) for bits in range(1, 8)),
        *(frame(PING, reserved=bits) for bits in range(1, 8)),
        *(frame(opcode) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    ],
)
def test_what_the_protocol_forbids_ends_it(bad: bytes) -> None:
    texts, wire = fed(frame(TEXT, b"before"), bad, frame(TEXT, b"after"))
    assert texts == ["before"]
    assert code(said(wire)) == 1002
    assert wire.ended
    assert wire.feed(frame(TEXT, b"later")) == []


@pytest.mark.parametrize("good", [1000, 1001, 1002, 1003, 1007, 1010, 1011, 3000, 4000, 4999])
def test_a_close_comes_back_with_its_code(good: int) -> None:
    data = good.to_bytes(2, "big") + "Grüße".encode()
    texts, wire = fed(frame(CLOSE, data), frame(TEXT, b"after"), frame(PING))
    assert texts == []
    assert said(wire) == [(CLOSE, data)]
    assert wire.ended
    assert wire.code == good


def test_a_close_without_a_code() -> None:
    _, wire = fed(frame(CLOSE))
    assert said(wire) == [(CLOSE, b"")]
    assert (wire.ended, wire.code) == (True, 1005)


@pytest.mark.parametrize("bad", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_close_with_a_code_that_nobody_may_send(bad: int) -> None:
    _, wire = fed(frame(CLOSE, bad.to_bytes(2, "big")))
    assert code(said(wire)) == 1002


def test_a_close_whose_reason_is_not_text() -> None:
    _, wire = fed(frame(CLOSE, b"\x03\xe8\xff"))
    assert code(said(wire)) == 1007


def test_a_close_in_the_middle_of_a_message_is_heard() -> None:
    texts, wire = fed(frame(TEXT, b"x", fin=False), frame(CLOSE, b"\x03\xe8"))
    assert texts == []
    assert wire.outgoing()
    assert wire.ended


@pytest.mark.parametrize(
    "frames",
    [
        [frame(TEXT, b"\xff")],
        [frame(TEXT, b"\xc3")],  # cut off at the message's end
        [frame(TEXT, b"\xed\xa0\x80")],  # half of a surrogate pair
        [frame(TEXT, b"\xf4\x90\x80\x80")],  # above U+10FFFF
        [frame(TEXT, b"\xc0\xaf")],  # longer than it needs to be
        [frame(TEXT, b"\xe2\x82", fin=False), frame(CONTINUATION, b"\x28")],
        [frame(TEXT, b"ok \xe2", fin=False), frame(CONTINUATION, b"\x82\xac \xff", fin=False)],
    ],
)
def test_text_that_is_not_utf8_ends_it_at_once(frames: list[bytes]) -> None:
    texts, wire = fed(*frames)
    assert texts == []
    assert code(said(wire)) == 1007
    assert wire.feed(frame(CONTINUATION) + frame(TEXT, b"after")) == []


def test_a_character_may_be_cut_across_fragments() -> None:
    texts, _ = fed(
        frame(TEXT, b"\xf0\x9f", fin=False),
        frame(CONTINUATION, b"", fin=False),
        frame(CONTINUATION, b"\x8c\x99"),
    )
    assert texts == ["🌙"]


@pytest.mark.parametrize(
    "frames",
    [
        [frame(TEXT, b"*" * (MOST + 1))],
        [frame(TEXT, b"*" * (MOST + 1))[:12]],  # its length is enough to know
        [frame(TEXT, b"*" * MOST, fin=False), frame(CONTINUATION, b"*")],
        [frame(TEXT, b"*" * 600, fin=False), frame(CONTINUATION, b"*" * 600, fin=False)],
    ],
)
def test_a_message_that_is_too_long(frames: list[bytes]) -> None:
    texts, wire = fed(*frames)
    assert texts == []
    assert code(said(wire)) == 1009


def test_binary_messages_are_not_understood() -> None:
    texts, wire = fed(frame(BINARY, b"\0"))
    assert texts == []
    assert code(said(wire)) == 1003


def test_a_close_of_ours_waits_for_theirs() -> None:
    wire = Wire(MOST)
    wire.close(1001, "ü" * 100)
    ((opcode, data),) = said(wire)
    assert (opcode, data[:2], data[2:].decode()) == (CLOSE, b"\x03\xe9", "ü" * 61)
    assert not wire.ended
    wire.fail(1008, "too late to say so")
    assert said(wire) == []
    wire.feed(frame(CLOSE, b"\x03\xe8"))
    assert said(wire) == []
    assert wire.ended


def test_what_has_begun_is_counted() -> None:
    wire = Wire(MOST)
    wire.feed(frame(TEXT, b"12345", fin=False))
    assert (wire.is_midway, wire.held) == (True, 5)
    more = frame(CONTINUATION, b"6789", fin=False)
    wire.feed(more[:-2])
    assert (wire.is_midway, wire.held) == (True, 5 + 2)
    wire.feed(more[-2:])
    assert (wire.is_midway, wire.held) == (True, 9)
    assert wire.feed(frame(CONTINUATION)) == ["123456789"]
    assert (wire.is_midway, wire.held) == (False, 0)


@given(st.binary(max_size=200))
def test_nonsense_never_raises(data: bytes) -> None:
    wire = Wire(MOST)
    for byte in data:
        wire.feed(bytes([byte]))
        wire.outgoing()


def test_a_message_of_the_server_is_one_frame_without_a_mask() -> None:
    assert text_frame("né") == b"\x81\x03n\xc3\xa9"
    assert text_frame("*" * 70_000)[:10] == b"\x81\x7f" + (70_000).to_bytes(8, "big")
    assert text_frame("\ud800") == b"\x81\x01?"
