"""Where librkllmrt.so is."""

from __future__ import annotations

from pathlib import Path

from appliance.engines.rkllm.failures import LibraryRefused

_NAME = "librkllmrt.so"
_PLACES = ("usr/local/lib", "usr/lib", "usr/lib/aarch64-linux-gnu", "lib")


def find_library(configured: Path | None, root: Path = Path("/")) -> Path:
    """The configured file, or the first of the usual places; raises LibraryRefused."""
    if configured is not None:
        return configured
    for place in _PLACES:
        if (path := root / place / _NAME).is_file():
            return path
    raise LibraryRefused(
        f"The NPU runtime is not installed: copy {_NAME} 1.3.0 (or 1.2.1 to 1.2.3) from the "
        f"vendor's rknn-llm release to /usr/lib, or name it with npu_engine.library."
    )
