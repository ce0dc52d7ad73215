"""Models as Browser LLM's clients see them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

import msgspec

from appliance.domain import model_size
from appliance.http.dialects.browserllm import answers
from appliance.http.dialects.browserllm.absent import name_of
from appliance.models.details import Details, details
from appliance.models.downloads.item import Download
from appliance.models.folder import Entry
from appliance.models.hub.offers import quantisation
from appliance.observe.profile import Averages

_FAST, _MEDIUM = 15.0, 5.0  # tokens a second: faster than one reads, and as fast
_SMALL, _MIDDLE, _LARGE = 1.5e9, 4e9, 7e9  # weights
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"))


def model(entry: Entry, measured: Averages) -> answers.BrowserLlmModel:
    """A line of the list of models."""
    return _model(entry, details(entry), measured)


def model_details(entry: Entry, context: int, measured: Averages) -> answers.BrowserLlmModelDetails:
    """Everything about a model that gives `context` tokens to each request."""
    found = details(entry)
    return answers.BrowserLlmModelDetails(
        **msgspec.structs.asdict(_model(entry, found, measured)),
        description=_description(entry, found, context),
        parameters=answers.BrowserLlmParameters(
            model_size.spoken(entry.parameters) if entry.parameters else "unknown",
            found.quantization,
        ),
        performance=averages(measured),
    )


def absent(download: Download) -> answers.BrowserLlmModel:
    """A line of the list for a model that is not here yet."""
    weights = model_size.parameters(download.total)
    return answers.BrowserLlmModel(
        id=name_of(download),
        name=PurePosixPath(download.file).stem,
        size=_spoken(download.total),
        vram_required=_spoken(model_size.required_bytes(download.total)),
        downloaded=False,
        speed_tier=_speed(0.0, weights),
        quality_tier=_quality(weights),
        capabilities=["text-generation", "json-mode"],
    )


def absent_details(download: Download) -> answers.BrowserLlmModelDetails:
    """What is known of a model that is not here yet."""
    failed = download.status == "error"
    state = f"The download failed: {download.error}" if failed else "It is being downloaded."
    return answers.BrowserLlmModelDetails(
        **msgspec.structs.asdict(absent(download)),
        description=f"From {download.repo}. {state}",
        download_progress=round(download.percent, 1),
        parameters=answers.BrowserLlmParameters(
            "unknown", quantisation(download.file) or "unknown"
        ),
        performance=answers.BrowserLlmAverages(0.0, 0.0),
    )


def averages(measured: Averages) -> answers.BrowserLlmAverages:
    """What was measured, rounded."""
    return answers.BrowserLlmAverages(
        round(measured.tokens_per_second, 2), round(measured.latency_ms, 2)
    )


def _model(entry: Entry, found: Details, measured: Averages) -> answers.BrowserLlmModel:
    weights = entry.parameters or model_size.parameters(entry.size_bytes)
    return answers.BrowserLlmModel(
        id=entry.id,
        name=str(entry.metadata.get("general.name", "")) or entry.id,
        size=_spoken(entry.size_bytes),
        vram_required=_spoken(model_size.required_bytes(entry.size_bytes)),
        speed_tier=_speed(measured.tokens_per_second, weights),
        quality_tier=_quality(weights),
        capabilities=_capabilities(entry, found),
    )


def _speed(measured: float, weights: int) -> Literal["fast", "medium", "slow"]:
    if measured:
        return "fast" if measured >= _FAST else "medium" if measured >= _MEDIUM else "slow"
    return "fast" if weights < _SMALL else "medium" if weights < _MIDDLE else "slow"


def _quality(weights: int) -> Literal["excellent", "good", "basic"]:
    return "excellent" if weights >= _LARGE else "good" if weights >= _SMALL else "basic"


def _capabilities(entry: Entry, found: Details) -> list[str]:
    able = {
        "text-generation": not found.embeds,
        "json-mode": not found.embeds,
        "code": found.fills_in or "code" in entry.id.casefold(),
        "tools": found.tools,
        "reasoning": found.thinks,
        "embeddings": True,
    }
    return [name for name, can in able.items() if can]


def _description(entry: Entry, found: Details, context: int) -> str:
    """A sentence or two of what is known for sure."""
    told = str(entry.metadata.get("general.description", ""))
    kind = entry.architecture if entry.architecture != "unknown" else "language"
    where = "the NPU" if entry.for_npu else "the CPU"
    own = (
        f"A {kind} model with {found.quantization} weights; it runs on {where}, with {context} "
        "tokens of context for each request."
    )
    return f"{told} {own}".strip()


def _spoken(count: int) -> str:
    """A number of bytes, such as "2.2GB" or "135MB"."""
    for unit, name in _SIZES:
        if count >= unit:
            value = count / unit
            return f"{value:.1f}{name}" if value < 10 else f"{value:.0f}{name}"
    return f"{count}B"
