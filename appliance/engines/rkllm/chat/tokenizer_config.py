"""`tokenizer_config.json` and its neighbours, as Hugging Face's tools write them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.errors import ModelLoadFailed

NAME = "tokenizer_config.json"
_LARGEST = 64 * 2**20  # bytes; vocabularies of 250 000 tokens take about 35 million

Value = TypeVar("Value")


class _AddedToken(msgspec.Struct, frozen=True):
    content: str


class NamedTemplate(msgspec.Struct, frozen=True):
    """One of several chat templates of a model: "default", "tool_use" and the like."""

    name: str
    template: str


class TokenizerConfig(msgspec.Struct, frozen=True):
    """The few fields that matter here; a special token is text, or an object with `content`."""

    bos_token: str | _AddedToken | None = None
    eos_token: str | _AddedToken | None = None
    unk_token: str | _AddedToken | None = None
    pad_token: str | _AddedToken | None = None
    chat_template: str | list[NamedTemplate] | None = None

    def special_tokens(self) -> dict[str, str]:
        """The text of each special token that is set, by the name that templates use."""
        named = {
            "bos_token": self.bos_token,
            "eos_token": self.eos_token,
            "unk_token": self.unk_token,
            "pad_token": self.pad_token,
        }
        return {
            name: token if isinstance(token, str) else token.content
            for name, token in named.items()
            if token is not None
        }


def read_config(folder: Path) -> TokenizerConfig:
    """The folder's configuration, an empty one where there is none; raises ModelLoadFailed."""
    file = folder / NAME
    if not file.is_file():
        return TokenizerConfig()
    return decoded(file, TokenizerConfig)


def decoded(file: Path, kind: type[Value]) -> Value:
    """A JSON file beside a model as `kind`; raises ModelLoadFailed."""
    try:
        return msgspec.json.decode(read_bytes(file), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelLoadFailed(
            f"{file.name} beside the model cannot be used: {error}. Copy it again."
        ) from error


def read_bytes(file: Path) -> bytes:
    """A file beside a model; raises ModelLoadFailed."""
    try:
        if file.stat().st_size > _LARGEST:
            raise ModelLoadFailed(f"{file.name} beside the model is too large to be what it says.")
        return file.read_bytes()
    except OSError as error:
        raise ModelLoadFailed(
            f"{file.name} beside the model cannot be read ({error.strerror}). Copy it again."
        ) from error
