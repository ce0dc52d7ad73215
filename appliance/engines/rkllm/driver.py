"""The version of the NPU's kernel driver, with root's debugfs or without."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

from appliance.engines.rkllm.failures import DriverRefused
from appliance.system.npu import parse_driver_version

NEEDED = (0, 9, 8)  # what the vendor's manual of runtime 1.3.0 asks for
_FILES = ("proc/rknpu/version", "sys/kernel/debug/rknpu/version")
_NODES = "dev/dri/by-path"
# DRM_IOCTL_RKNPU_ACTION of rknpu_ioctl.h: struct { u32 flags, value }; flag 1 asks for the version.
_ACTION = 0xC0086440
_VERSION_FLAG = 1
_REQUEST = struct.Struct("=II")

Ioctl = Callable[[int, int, bytes], bytes]


def read_driver_version(root: Path = Path("/"), ioctl: Ioctl = fcntl.ioctl) -> str | None:
    """Such as "0.9.8"; None where neither a file nor the device itself tells it.

    Asking the device wakes the NPU for some seconds.
    """
    for name in _FILES:
        try:
            text = (root / name).read_text("utf-8", "replace")
        except OSError:
            continue
        if version := parse_driver_version(text):
            return version
    for node in sorted((root / _NODES).glob("platform-*.npu-render")):
        if version := _ask(node, ioctl):
            return version
    return None


def check_driver(version: str | None) -> None:
    """Raises DriverRefused for a version that is too old; one that is not known may be tried."""
    if version is not None and tuple(map(int, version.split("."))) < NEEDED:
        raise DriverRefused(
            f"The NPU driver {version} is too old: {'.'.join(map(str, NEEDED))} is needed. Install "
            "a newer vendor kernel."
        )


def _ask(node: Path, ioctl: Ioctl) -> str | None:
    try:
        device = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        answer = ioctl(device, _ACTION, _REQUEST.pack(_VERSION_FLAG, 0))
    except OSError:
        return None
    finally:
        os.close(device)
    _, code = _REQUEST.unpack(answer)
    return f"{code // 10000}.{code // 100 % 100}.{code % 100}"
