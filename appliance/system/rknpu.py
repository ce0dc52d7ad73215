"""The levers of the NPU: its soft reset, and the clock that it may reach.

Of the vendor's driver, rknpu 0.9.8. Both need a right: to open the render node, and to write
devfreq's `max_freq`.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

from appliance.errors import LunaError

_NODES = "dev/dri/by-path"
_DRIVER_FOLDERS = ("proc/rknpu", "sys/kernel/debug/rknpu")
# DRM_IOCTL_RKNPU_ACTION of rknpu_ioctl.h: struct { u32 flags, value }.
_ACTION = 0xC0086440
_REQUEST = struct.Struct("=II")
_SOFT_RESET = 6

Ioctl = Callable[[int, int, bytes], object]


class LeverStuck(LunaError):
    """The NPU could not be reset, or its clock not be set; the message says what is missing."""

    code = "lever_stuck"


class Rknpu:
    """The NPU of the machine whose files are below `root`."""

    def __init__(self, root: Path = Path("/"), ioctl: Ioctl = fcntl.ioctl) -> None:
        self._root = root
        self._ioctl = ioctl

    def can_soft_reset(self) -> bool:
        """Whether the driver obeys: it does not when resets are bypassed or the NPU has no power.

        A file that cannot be read forbids nothing.
        """
        return self._node() is not None and "off" not in (self._say("reset"), self._say("power"))

    def soft_reset(self) -> None:
        """Reset all cores; jobs that run there fail. Raises LeverStuck."""
        node = self._node()
        if node is None:
            raise LeverStuck(f"There is no render node of the NPU in /{_NODES}.")
        try:
            device = os.open(node, os.O_RDWR | os.O_CLOEXEC)
            try:
                self._ioctl(device, _ACTION, _REQUEST.pack(_SOFT_RESET, 0))
            finally:
                os.close(device)
        except OSError as error:
            raise LeverStuck(
                f"The NPU cannot be reset through {node} ({error.strerror}); its user must be in "
                "the group of that device."
            ) from error

    def frequencies(self) -> tuple[int, ...]:
        """The clocks that the NPU can have, in Hz, rising; empty where that is not known."""
        for folder in self._clocks():
            words = _text(folder / "available_frequencies").split()
            return tuple(sorted(int(word) for word in words if word.isdecimal()))
        return ()

    def limit(self, share: float) -> None:
        """Let the clock reach that share of the highest, 1 gives everything back.

        The lowest clock is always allowed. Raises LeverStuck.
        """
        known = self.frequencies()
        if not known:
            raise LeverStuck("The clocks of the NPU are not known; use a vendor kernel.")
        allowed = [each for each in known if each <= share * known[-1]]
        (folder, *_) = self._clocks()
        try:
            (folder / "max_freq").write_text(f"{allowed[-1] if allowed else known[0]}\n", "ascii")
        except OSError as error:
            raise LeverStuck(
                f"{folder / 'max_freq'} cannot be set ({error.strerror}); its user must be let "
                "write to it."
            ) from error

    def _node(self) -> Path | None:
        return next(iter(sorted((self._root / _NODES).glob("platform-*.npu-render"))), None)

    def _clocks(self) -> list[Path]:
        return sorted((self._root / "sys/class/devfreq").glob("*.npu"))

    def _say(self, name: str) -> str:
        texts = (_text(self._root / folder / name) for folder in _DRIVER_FOLDERS)
        return next(filter(None, texts), "")


def _text(path: Path) -> str:
    """The file's words; what is not there or may not be read is empty."""
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
