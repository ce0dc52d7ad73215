"""The command line of a model's process."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.engines import launch
from appliance.engines.rkllm.values import Load
from appliance.engines.rkllm.wire import encode_load


def build(library: Path, confirmed: str, load: Load, socket: Path) -> list[str]:
    """Our host, bound to this process; see `version.read_version` for `confirmed`."""
    options = [
        f"--library={library}",
        f"--version={confirmed}",
        f"--load={encode_load(load)}",
        f"--socket={socket}",
    ]
    return launch.command([sys.executable, "-m", "appliance.engines.rkllm.host", *options])
