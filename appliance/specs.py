"""What an engine is told of a model: its file, its manifest, then the settings."""

from __future__ import annotations

from pathlib import Path

from appliance.engines.base import ModelSpec
from appliance.engines.rkllm.model import NpuSpec
from appliance.errors import ConfigError
from appliance.models.folder import Entry
from appliance.settings import Settings

_DEFAULT_CONTEXT = 4096  # tokens per slot: a KV cache that fits beside a model in 4 GB


def model_spec(entry: Entry, settings: Settings) -> ModelSpec:
    """Of any model; raises ConfigError where its template cannot be read."""
    manifest = entry.manifest
    template = manifest.template
    return ModelSpec(
        id=entry.id,
        path=entry.path,
        size_bytes=entry.size_bytes,
        context=context_of(entry, settings),
        defaults=manifest.defaults(),
        chat_template=None if template is None else _read_template(entry.path.parent / template),
        reranker=entry.reranker,
    )


def context_of(entry: Entry, settings: Settings) -> int:
    """Tokens: what the manifest says, then the settings, then what the model was trained for."""
    configured = settings.npu_engine.context if entry.for_npu else settings.cpu_engine.context
    wanted = entry.manifest.context or configured
    trained = entry.context_length
    if not trained:  # a file of the NPU does not say, only the runtime knows
        trained = wanted if entry.for_npu and wanted else _DEFAULT_CONTEXT
    return min(wanted or _DEFAULT_CONTEXT, trained)


def npu_spec(entry: Entry, spec: ModelSpec, models: Path) -> NpuSpec:
    """Of a model for the NPU; files beside it are its own only in a folder of its own."""
    return NpuSpec(
        spec,
        folder=None if entry.path.parent == models else entry.path.parent,
        stop=entry.manifest.stop,
        pooling=entry.manifest.pooling,
    )


def _read_template(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The chat template {path.name} cannot be read: {error}.") from error
