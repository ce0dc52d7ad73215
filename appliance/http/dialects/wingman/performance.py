"""Wingman's `metrics` frame: what a model is, and how fast its runs are, in its clients' words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from appliance.domain.events import Timings
from appliance.domain.model_size import MIB
from appliance.models.details import details
from appliance.models.folder import Entry
from appliance.observe.metrics import Metrics, RunMeter
from appliance.observe.runs import Runs
from appliance.serving.pool import Loaded, Pool

# Wingman's names, and those of a GGUF file below the name of its architecture.
_META = {
    "f_norm_eps": "attention.layer_norm_epsilon",
    "f_norm_rms_eps": "attention.layer_norm_rms_epsilon",
    "freq_base": "rope.freq_base",
    "freq_scale": "rope.scaling.factor",
    "n_ctx_train": "context_length",
    "n_embd": "embedding_length",
    "n_ff": "feed_forward_length",
    "n_head": "attention.head_count",
    "n_head_kv": "attention.head_count_kv",
    "n_layer": "block_count",
    "n_rot": "rope.dimension_count",
    "n_vocab": "vocab_size",
}


class Performance:
    """A source of news; `alias` is what Wingman's clients call a model, `clock` is Unix seconds."""

    def __init__(
        self,
        pool: Pool,
        metrics: Metrics,
        runs: Runs,
        alias: Callable[[Entry], str] = lambda entry: entry.id,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._metrics = metrics
        self._runs = runs
        self._alias = alias
        self._clock = clock
        self._last: tuple[object, int] = (None, 0)

    def __call__(self) -> Mapping[str, Any]:
        """The frame of the model that was used last; none while no model is loaded.

        What real clients read stands at the top, what the documents describe in `metrics`.
        """
        loaded = max(self._pool.loaded(), key=lambda each: each.used, default=None)
        if loaded is None or loaded.engine.state != "loaded":
            return {}
        parts = {
            "alias": self._alias(loaded.entry),
            "meta": _meta(loaded),
            "system": self._system(loaded),
            "tensors": dict(loaded.entry.tensors),
            "timings": self._timings(loaded),
        }
        return {"metrics": {"metrics": parts, **parts}}

    def _system(self, loaded: Loaded) -> dict[str, Any]:
        """Memory in MiB. No layer is on a graphics processor: there is none that engines use."""
        entry = loaded.entry
        return {
            "ctx_size": loaded.engine.context,
            "cuda_str": "",
            "gpu_name": "",
            "mem_required": round(entry.size_bytes / MIB, 1),
            "offloaded": 0,
            "offloaded_total": 0,
            "offloading_repeating": 0,
            "offloading_nonrepeating": 0,
            "vram_per_layer_avg": 0,
            "vram_used": 0,
            "model_path": entry.path.name,
            "model_file_name": entry.path.name,
            "model_name": entry.id,
            "model_alias": self._alias(entry),
            "quantization": details(entry).quantization,
            "has_next_token": loaded.scheduler.load().running > 0,
        }

    def _timings(self, loaded: Loaded) -> dict[str, float]:
        """Of a run at work, else of the last one: numbers only, for clients round each of them."""
        meters = [each for each in self._metrics.running() if each.model == loaded.entry.id]
        if meters:
            return _numbers(_so_far(max(meters, key=lambda each: each.tokens)), self._clock())
        run = self._runs.last()
        if run is None or run.model != loaded.entry.id:
            return _numbers(Timings(0, 0.0, 0, 0.0), 0)
        if self._last[0] is not run:
            self._last = (run, int(self._clock()))
        return _numbers(run.timings, self._last[1])


def _meta(loaded: Loaded) -> dict[str, str]:
    """Texts, also where they are numbers; those that the file does not tell are left out."""
    entry = loaded.entry
    told = {name: entry.metadata.get(f"{entry.architecture}.{key}") for name, key in _META.items()}
    found = {name: str(value) for name, value in told.items() if value is not None}
    kind = "RKLLM" if entry.for_npu else "GGUF"
    return {"arch": entry.architecture, "format": kind, "n_ctx": str(loaded.engine.context)} | found


def _so_far(meter: RunMeter) -> Timings:
    first = meter.age if meter.first is None else meter.first
    read = max(0.0, first - meter.waited)
    return Timings(meter.prompt, 1000 * read, meter.tokens, 1000 * (meter.age - first))


def _numbers(timings: Timings, when: float) -> dict[str, float]:
    """Wingman's names; how long sampling took no engine tells."""
    read, said = timings.prompt_ms, timings.generated_ms
    figures = {
        "timestamp": int(when),
        "time": int(when),
        "load_time": 0,
        "sample_time": 0,
        "sample_count": timings.generated_tokens,
        "sample_per_token_ms": 0,
        "sample_per_second": 0,
        "total_time": read + said,
        "prompt_count": timings.prompt_tokens,
        "prompt_ms": read,
        "prompt_per_token_ms": read / max(1, timings.prompt_tokens),
        "prompt_per_second": timings.prompt_per_second,
        "predicted_count": timings.generated_tokens,
        "predicted_ms": said,
        "predicted_per_token_ms": said / max(1, timings.generated_tokens),
        "predicted_per_second": timings.generated_per_second,
    }
    return {name: round(value, 3) for name, value in figures.items()}
