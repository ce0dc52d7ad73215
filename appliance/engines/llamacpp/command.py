"""The command line of a llama.cpp child: our host around the wheel, or a llama-server binary."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from appliance.engines import launch
from appliance.engines.base import ModelSpec
from appliance.settings import CpuEngineSettings
from appliance.system.processes import parse_cpus

EMBEDDING_BATCH = 2048  # tokens: mean pooling needs the whole input in one batch


@dataclass(frozen=True, slots=True)
class Layout:
    """The sizes of one child; `context` is tokens per slot, `slot_folder` for saved slots."""

    slots: int
    context: int
    batch: int
    embedding: bool = False
    ranking: bool = False
    slot_folder: Path | None = None


def build(spec: ModelSpec, layout: Layout, settings: CpuEngineSettings, socket: Path) -> list[str]:
    """The whole command, bound to this process, pinned and niced."""
    threads = settings.threads or len(parse_cpus(settings.cpus)) or os.cpu_count() or 1
    values = {
        "model": str(spec.path),
        "socket": str(socket),
        "slots": str(layout.slots),
        "context": str(layout.context),
        "batch": str(layout.batch),
        "threads": str(threads),
    }
    if spec.gpu_layers >= 0:
        values["gpu-layers"] = str(spec.gpu_layers)
    if layout.slot_folder is not None:
        values["slot-folder"] = str(layout.slot_folder)
    template = socket.with_name("template.jinja")
    if spec.chat_template is not None:
        template.write_text(spec.chat_template, "utf-8")
        values["chat-template-file"] = str(template)
    binary = settings.program
    program = _ours(values, layout) if binary is None else _binary(binary, values, layout)
    return launch.command(program, cpus=settings.cpus, nice=settings.nice)


def _ours(values: dict[str, str], layout: Layout) -> list[str]:
    options = [f"--{name}={value}" for name, value in values.items()]
    extra = ["--embedding"] if layout.embedding else ["--ranking"] if layout.ranking else []
    return [sys.executable, "-m", "appliance.engines.llamacpp.host", *options, *extra]


def _binary(binary: Path, values: dict[str, str], layout: Layout) -> list[str]:
    names = {
        "model": "--model",
        "socket": "--host",
        "slots": "--parallel",
        "batch": "--batch-size",
        "threads": "--threads",
        "gpu-layers": "--n-gpu-layers",
        "slot-folder": "--slot-save-path",
        "chat-template-file": "--chat-template-file",
    }
    total = str(int(values["context"]) * int(values["slots"]))
    # As in host.py: no unbounded prompt cache, and sizes as the settings say.
    command = [str(binary), "--jinja", "--cache-ram", "0", "--fit", "off", "--ctx-size", total]
    command += ["--ubatch-size", values["batch"]]
    for name, option in names.items():
        if name in values:
            command += [option, values[name]]
    if layout.embedding:
        command += ["--no-repack", "--embeddings", "--pooling", "mean"]
    if layout.ranking:
        command += ["--no-repack", "--reranking"]
    return command
