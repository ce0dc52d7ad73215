"""What models on the NPU need: driver, nodes that may be opened, the vendor's runtime."""

from __future__ import annotations

import grp
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.cli.doctor.check import Check, Finding, ok, problem, warning
from appliance.engines.rkllm.driver import check_driver, read_driver_version
from appliance.engines.rkllm.failures import DriverRefused, LibraryRefused
from appliance.engines.rkllm.locate import find_library
from appliance.engines.rkllm.version import read_version
from appliance.settings import NpuEngineSettings

_DRIVER = "sys/bus/platform/drivers/RKNPU"
_RULES = "sudo udevadm trigger; if it stays so: sudo chgrp {group} {node}"
# Kind of a node → where it is, and the group of Luna's server that may open it.
_NODES = {
    "npu node": ("dev/dri/by-path/platform-*.npu-render", "render"),
    "npu memory": ("dev/dma_heap/*", "video"),
}


def checks(settings: NpuEngineSettings, root: Path = Path("/")) -> Iterator[Check]:
    """None where there is no NPU with the vendor's driver."""
    if not any((root / _DRIVER).glob("*.npu")):
        return
    yield Check("npu driver", lambda: driver(root))
    for name, (pattern, group) in _NODES.items():
        yield Check(name, _node_check(name, root, pattern, group))
    yield Check("npu runtime", lambda: runtime(settings, root))


def driver(root: Path) -> Finding:
    """Whether the kernel's driver is new enough."""
    version = read_driver_version(root)
    try:
        check_driver(version)
    except DriverRefused as error:
        return problem("npu driver", error.message, "Install a newer vendor kernel, and restart.")
    if version is None:
        remedy = "Run it as root: sudo luna doctor"
        return warning("npu driver", "The version of the NPU's driver cannot be read.", remedy)
    return ok("npu driver", f"The NPU's driver is rknpu {version}.")


def node(name: str, found: list[Path], group: str) -> Finding:
    """Whether the server, which is in `group`, may open the first of these nodes."""
    if not found:
        if name == "npu memory":  # kernels that share memory through DRM have none
            return ok(name, "The kernel shares memory with the NPU through DRM.")
        return problem(
            name, "The NPU has no render node.", "Boot a vendor kernel with CONFIG_ROCKCHIP_RKNPU."
        )
    first = found[0]
    told = first.stat()
    try:
        owner = grp.getgrgid(told.st_gid).gr_name
    except KeyError:
        owner = str(told.st_gid)
    remedy = _RULES.format(group=group, node=first)
    if owner != group or not told.st_mode & 0o060:
        return problem(
            name, f"{first} is for the group {owner}, not {group}, as the server needs it.", remedy
        )
    if not os.access(first, os.R_OK | os.W_OK):
        remedy = f"Join its group, and log in again: sudo usermod -aG {group} $USER"
        return warning(name, f"{first} is for the group {group}, which you are not in.", remedy)
    return ok(name, f"{first} can be opened by the group {group}.")


def runtime(settings: NpuEngineSettings, root: Path) -> Finding:
    """Whether the vendor's library is there, in a version that Luna speaks."""
    remedy = "Copy librkllmrt.so 1.3.0 of the vendor's rknn-llm release to /usr/lib."
    try:
        path = find_library(settings.library, root)
        version = read_version(path, settings.version)
    except LibraryRefused as error:
        return problem("npu runtime", error.message, remedy)
    return ok("npu runtime", f"{path} is RKLLM {version.text}.")


def _node_check(name: str, root: Path, pattern: str, group: str) -> Callable[[], Finding]:
    return lambda: node(name, sorted(root.glob(pattern)), group)
