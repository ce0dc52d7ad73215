"""`luna.toml` beside a model: what the file itself does not say."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from appliance.domain.sampling import Sampling

NAME = "luna.toml"


class Defaults(Struct, frozen=True, forbid_unknown_fields=True):
    """Sampler settings for requests that name none."""

    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, Meta(gt=0)] | None = None


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where on a hub the model was fetched from; `file` is its first one there."""

    repo: str
    file: str
    commit: str = ""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """`context` is tokens per request, 0 for the engine's default; `template` a Jinja file.

    For the NPU only: `stop` strings end every answer, and `pooling` is how the hidden states of a
    text become one vector, if not as its folder says.
    """

    aliases: tuple[str, ...] = ()
    context: Annotated[int, Meta(ge=0)] = 0
    template: str | None = None
    stop: tuple[str, ...] = ()
    pooling: Literal["mean", "last"] | None = None
    sampling: Defaults = field(default_factory=Defaults)
    source: Source | None = None

    def defaults(self) -> Sampling:
        """The sampler settings as a value of the domain."""
        return Sampling(**msgspec.structs.asdict(self.sampling))


class BadManifest(Exception):
    """The manifest cannot be used; the message names file and key."""


def read(folder: Path) -> Manifest:
    """The folder's manifest, an empty one where there is none."""
    file = folder / NAME
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Manifest)
    except FileNotFoundError:
        return Manifest()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadManifest(f"{file.name} beside the model cannot be used: {error}.") from error


def without_source(text: str) -> str:
    """A manifest's text less its `[source]`: a copy of a model was fetched from nowhere."""
    return re.sub(r"(?ms)^\[source\]\s*$.*?(?=^\[|\Z)", "", text)


def compose(source: Source) -> str:
    """The text of a manifest for a model that was just fetched."""
    values = msgspec.structs.asdict(source)
    lines = (f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in values.items())
    return "\n".join(["[source]", *lines, ""])
