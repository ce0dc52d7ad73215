"""One side of a WebSocket conversation as bytes in and bytes out; pure, by `websockets`."""

from __future__ import annotations

import codecs
import io
import logging

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, SERVER, Protocol, State

_REASON_BYTES = 123  # RFC 6455 5.5: a control frame carries 125 bytes, two are the code
_log = logging.getLogger(__name__)
_utf8 = codecs.getincrementaldecoder("utf-8")


def text_frame(text: str) -> bytes:
    """A message as a server sends it; the same bytes for every client."""
    return Frame(Opcode.TEXT, text.encode("utf-8", "replace")).serialize(mask=False)


class Wire:
    """Reads frames, answers pings and closes, and says why it ends; has no extensions.

    Messages longer than `most` bytes close with 1009, bytes that are not UTF-8 with 1007 as soon
    as they come, binary messages with 1003, and everything else that RFC 6455 forbids with 1002.
    """

    def __init__(self, most: int) -> None:
        self._protocol = Protocol(SERVER, state=State.OPEN, max_size=most, logger=_log)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text = io.StringIO()
        self._size = 0
        self.ended = False
        """Nothing follows what `outgoing` has given."""

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return self._protocol.state is State.OPEN

    @property
    def code(self) -> int:
        """The code that it was closed with first, by whichever side; 1006 while it is open."""
        closed = self._protocol.close_rcvd or self._protocol.close_sent
        return int(closed.code) if closed else 1006

    @property
    def is_midway(self) -> bool:
        """Whether a frame or a message has begun to arrive."""
        return self._decoder is not None or bool(self._protocol.reader.buffer)

    @property
    def held(self) -> int:
        """Bytes of what has begun to arrive."""
        return self._size + len(self._protocol.reader.buffer)

    def feed(self, data: bytes) -> list[str]:
        """Take bytes in; return the messages that are whole now."""
        self._protocol.receive_data(data)
        texts: list[str] = []
        for frame in self._protocol.events_received():
            if not isinstance(frame, Frame) or not self._take(frame, texts):
                break
        return texts

    def outgoing(self) -> bytes:
        """Control frames that are due."""
        parts = self._protocol.data_to_send()
        self.ended = self.ended or SEND_EOF in parts
        return b"".join(parts)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._protocol.send_ping(b"luna")

    def close(self, code: int, reason: str) -> None:
        """Begin to close, and wait for the other side; nothing if that has begun."""
        if self.is_open:
            self._protocol.send_close(code, _short(reason))

    def fail(self, code: int, reason: str) -> None:
        """Close without waiting for the other side; nothing if that has begun."""
        if self.is_open:
            self._protocol.fail(code, _short(reason))

    def _take(self, frame: Frame, texts: list[str]) -> bool:
        """Take one frame in; False if that ends the conversation."""
        match frame.opcode:
            case Opcode.PING | Opcode.PONG | Opcode.CLOSE:
                return True
            case Opcode.BINARY:
                self.fail(CloseCode.UNSUPPORTED_DATA, "Send text, not binary messages.")
                return False
            case Opcode.TEXT:
                self._decoder = _utf8()
        assert self._decoder is not None  # the protocol refuses a continuation of nothing
        try:
            self._text.write(self._decoder.decode(bytes(frame.data), frame.fin))
        except UnicodeDecodeError:
            self.fail(CloseCode.INVALID_DATA, "Text must be UTF-8.")
            return False
        self._size += len(frame.data)
        if frame.fin:
            texts.append(self._text.getvalue())
            self._decoder, self._text, self._size = None, io.StringIO(), 0
        return True


def _short(reason: str) -> str:
    return reason.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")
