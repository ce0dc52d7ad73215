"""Model files for the simulator: what its models are, say, and suffer from, as a small text."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, **values: str | int) -> Path:
    """A model at `path`; README.md beside this file lists the values."""
    lines = ["rkllm-sim", *(f"{key} = {_escaped(str(value))}" for key, value in values.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _escaped(text: str) -> str:
    return text.replace("\n", "\\n")
