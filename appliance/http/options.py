"""Settings of llama.cpp beyond OpenAI's, which every body that generates may carry."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Int32 = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
Count = Annotated[int, Meta(ge=0, lt=2**31)]
Limit = Annotated[int, Meta(ge=-1, lt=2**31)]
# Samplers allocate as many tokens of memory as they are told to look back on.
LookBack = Annotated[int, Meta(ge=-1, le=2**16)]
Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(max_length=2**20)]


class Adapter(Struct, frozen=True):
    """How strongly a LoRA adapter is mixed in."""

    id: Count
    scale: Number


class Options(Struct, frozen=True, kw_only=True):
    """Sampler and cache settings by their names in llama.cpp's server; None leaves its default."""

    dynatemp_range: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    dynatemp_exponent: Number | None = None
    typical_p: Unit | None = None
    top_n_sigma: Number | None = None
    xtc_probability: Unit | None = None
    xtc_threshold: Unit | None = None
    repeat_last_n: LookBack | None = None
    dry_multiplier: Number | None = None
    dry_base: Number | None = None
    dry_allowed_length: Count | None = None
    dry_penalty_last_n: LookBack | None = None
    dry_sequence_breakers: Annotated[list[str], Meta(min_length=1, max_length=64)] | None = None
    mirostat: Annotated[int, Meta(ge=0, le=2)] | None = None
    mirostat_tau: Number | None = None
    mirostat_eta: Number | None = None
    adaptive_target: Number | None = None
    adaptive_decay: Unit | None = None
    samplers: Annotated[list[str], Meta(max_length=64)] | Text | None = None
    min_keep: Count | None = None
    grammar: Text | None = None
    json_schema: dict[str, Any] | None = None
    cache_prompt: bool | None = None
    n_cache_reuse: Count | None = None
    n_keep: Limit | None = None
    n_indent: Count | None = None
    t_max_predict_ms: Limit | None = None
    id_slot: Limit | None = None
    lora: Annotated[list[Adapter], Meta(max_length=64)] | None = None


def options_of(body: Options) -> dict[str, Any]:
    """The settings that the body names, as llama.cpp reads them."""
    named = {field.name: getattr(body, field.name) for field in msgspec.structs.fields(Options)}
    found = {name: value for name, value in named.items() if value is not None}
    return dict(msgspec.to_builtins(found))
