"""What the API and the process of an NPU model tell each other: messages, and how they are framed.

One connection is one run: an `Order` one way, then `Said` and `Rows` up to one `Ended` or `Failed`
the other way. Who closes the sending half of it wants the run to end. A frame is the length of
its content (4 bytes, little-endian) and the content, MessagePack.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec

from appliance.engines.rkllm.values import Load, Run
from appliance.errors import EngineError

_LENGTH = struct.Struct("<I")
_LONGEST = 2**30


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A run; `number` is told in the log when it is over.

    It goes on from the `resumes` tokens that are in memory, with 0 it begins with an empty context.
    `cache` is a saved prompt cache that the prompt begins with, `lora_file` what `run.lora` is
    loaded from, at `lora_scale`, if it is new.
    """

    number: int
    run: Run
    resumes: int = 0
    cache: Path | None = None
    lora_file: Path | None = None
    lora_scale: float = 1.0


class Said(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """Tokens, and their text, which may end in the middle of a character."""

    tokens: tuple[int, ...]
    text: bytes


class Rows(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Hidden states or logits: 32-bit floats of this machine."""

    rows: int
    columns: int
    values: bytes


class Ended(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The end of a run.

    `stopped` by an abort, `limited` by its number of tokens, if not by the model. `context` tokens
    are in memory now. Without figures of the library's own, those are the process's.
    """

    tokens: int
    stopped: bool
    limited: bool
    context: int
    prompt_tokens: int
    prompt_ms: float
    generated_ms: float


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The run broke, or could not begin.

    At "caller" another request would not have failed, at "start" the same would not have without
    `Order.resumes` and `Order.cache`.
    """

    message: str
    at: Literal["caller", "start", "run"]


Message = Said | Rows | Ended | Failed
Kind = TypeVar("Kind")


def encode(message: Order | Message) -> bytes:
    """The frame of a message."""
    content = _encoder.encode(message)
    return _LENGTH.pack(len(content)) + content


class Decoder(Generic[Kind]):
    """Turns bytes, cut anywhere, into whole messages of one type; raises EngineError."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[Kind]
        self._decoder = msgspec.msgpack.Decoder(kind, dec_hook=_path)
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Kind]:
        """Every message that `data` completes."""
        rest = self._rest
        rest += data
        found, at = [], 0
        while len(rest) - at >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(rest, at)
            if size > _LONGEST:
                raise EngineError("The engine's process sends nonsense; this is a fault of Luna.")
            start = at + _LENGTH.size
            if len(rest) < start + size:
                break
            at = start + size
            found.append(self._decode(memoryview(rest)[start:at].tobytes()))
        del rest[:at]
        return found

    def _decode(self, content: bytes) -> Kind:
        try:
            return self._decoder.decode(content)
        except msgspec.DecodeError as error:
            raise EngineError(
                f"The engine's process sends nonsense ({error}); this is a fault of Luna."
            ) from error


def encode_load(load: Load) -> str:
    """How a model is loaded, for a command line."""
    return msgspec.json.encode(load, enc_hook=str).decode()


def decode_load(text: str) -> Load:
    """What `encode_load` gave."""
    return msgspec.json.decode(text, type=Load, dec_hook=_path)


def _path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise TypeError(f"Expected {kind.__name__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=str)
