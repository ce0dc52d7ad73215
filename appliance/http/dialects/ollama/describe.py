"""Models as Ollama's clients see them: tags, details, what is in memory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from appliance.domain import model_size
from appliance.http.dialects.ollama import answers
from appliance.http.dialects.ollama.render import timestamp
from appliance.models.details import Details, details
from appliance.models.folder import Entry
from appliance.serving.pool import Loaded

_FOREVER = 100 * 365 * 86400.0  # seconds: clients want a date
_TEMPLATE, _TOKENS = "tokenizer.chat_template", "tokenizer.ggml.tokens"


def tag_name(entry: Entry) -> str:
    """The model's id with a tag, which clients cut off or insist on."""
    return entry.id if ":" in entry.id else f"{entry.id}:latest"


def tag(entry: Entry) -> answers.OllamaTag:
    """A line of the list of models."""
    return answers.OllamaTag(
        name=tag_name(entry),
        model=tag_name(entry),
        modified_at=timestamp(entry.changed),
        size=entry.size_bytes,
        digest=_digest(entry),
        details=_details(entry, details(entry)),
    )


def running(loaded: Loaded, left: float, now: float) -> answers.OllamaRunning:
    """A model in memory, which stays `left` more seconds; `now` is in seconds since the epoch."""
    entry = loaded.entry
    return answers.OllamaRunning(
        name=tag_name(entry),
        model=tag_name(entry),
        size=entry.size_bytes,
        digest=_digest(entry),
        details=_details(entry, details(entry)),
        expires_at=timestamp(now + min(left, _FOREVER)),
        context_length=loaded.engine.context,
    )


def shown(entry: Entry, context: int) -> answers.OllamaShown:
    """Everything about a model that gives `context` tokens to each request."""
    found = details(entry)
    parameters = _parameters(entry, context)
    lines = [f"FROM {entry.id}", *(f"PARAMETER {name} {value}" for name, value in parameters)]
    return answers.OllamaShown(
        modelfile="\n".join(lines),
        parameters="\n".join(f"{name:<30} {value}" for name, value in parameters) or UNSET,
        template=_template(found),
        details=_details(entry, found),
        model_info=_model_info(entry),
        capabilities=_capabilities(found),
        modified_at=timestamp(entry.changed),
        license=str(entry.metadata.get("general.license", "")) or UNSET,
    )


def _details(entry: Entry, found: Details) -> answers.OllamaDetails:
    return answers.OllamaDetails(
        format="rkllm" if entry.for_npu else "gguf",
        family=entry.architecture,
        families=[entry.architecture],
        parameter_size=model_size.spoken(entry.parameters),
        quantization_level=found.quantization,
    )


def _digest(entry: Entry) -> str:
    """What changes with the file; hashing gigabytes for a list would take minutes."""
    return hashlib.sha256(repr(entry.stamp).encode()).hexdigest()


def _template(found: Details) -> str:
    """The Jinja template; clients look for ".Suffix" to know that a model can fill in."""
    note = "{#- .Suffix: send `suffix`, and the model fills in. -#}\n" if found.fills_in else ""
    return note + found.template


def _capabilities(found: Details) -> list[str]:
    able = {
        "completion": not found.embeds,
        "embedding": found.embeds,
        "tools": found.tools,
        "insert": found.fills_in,
        "thinking": found.thinks,
    }
    return [name for name, can in able.items() if can]


def _parameters(entry: Entry, context: int) -> list[tuple[str, str]]:
    """What a request gets that says nothing else; one client reads no value with a space."""
    manifest = entry.manifest
    values: dict[str, Any] = {"num_ctx": context} | msgspec.structs.asdict(manifest.sampling)
    found = [(name, f"{value}") for name, value in values.items() if value is not None]
    return found + [("stop", json.dumps(stop)) for stop in manifest.stop]


def _model_info(entry: Entry) -> dict[str, Any]:
    """The metadata of the file; null stands for lists that are too long to be told."""
    told: Mapping[str, Any] = entry.metadata
    info: dict[str, Any] = {
        "general.architecture": entry.architecture,
        "general.parameter_count": entry.parameters,
    }
    info |= {key: _plain(value) for key, value in told.items() if key != _TEMPLATE}
    info |= {_TOKENS: None} if _TOKENS in told else {}
    if f"{entry.architecture}.context_length" not in info and entry.context_length:
        info[f"{entry.architecture}.context_length"] = entry.context_length
    return info


def _plain(value: Any) -> Any:
    if value == () or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value
