"""The board: what it is called, what runs on it, since when, and how warm it is."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ReadingUnavailable

_PLAUSIBLE_CELSIUS = (-40.0, 150.0)  # drivers report a missing sensor as -274 or a huge number


@dataclass(frozen=True, slots=True)
class Board:
    """`model` is None and `compatible` empty on a machine without a device tree, a PC say."""

    model: str | None
    compatible: tuple[str, ...]
    system: str
    hostname: str


@dataclass(frozen=True, slots=True)
class Temperature:
    """One thermal zone by its type, `npu-thermal` for example; several zones may share a type."""

    zone: str
    celsius: float


def read_board(root: Path = Path("/")) -> Board:
    """Name of the board, its operating system and its host name; what is unknown stays empty."""
    tree = root / "proc/device-tree"
    return Board(
        model=next(iter(parse_strings(_bytes(tree / "model"))), None),
        compatible=parse_strings(_bytes(tree / "compatible")),
        system=parse_os_release(_text(root / "etc/os-release")),
        hostname=_text(root / "proc/sys/kernel/hostname").strip(),
    )


def uptime_seconds(proc: Path = Path("/proc")) -> float:
    """Seconds since boot. Raises ReadingUnavailable."""
    path = proc / "uptime"
    try:
        return parse_uptime(path.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise ReadingUnavailable(
            f"The time since boot cannot be read from {path} ({error}); Luna needs Linux."
        ) from error


def read_temperatures(sys: Path = Path("/sys")) -> tuple[Temperature, ...]:
    """Every thermal zone that has a plausible reading, in the kernel's order; none on many PCs."""
    zones = sorted((sys / "class/thermal").glob("thermal_zone[0-9]*"), key=_zone_number)
    readings = (Temperature(_text(zone / "type").strip(), _celsius(zone)) for zone in zones)
    low, high = _PLAUSIBLE_CELSIUS
    return tuple(reading for reading in readings if low <= reading.celsius <= high)


def parse_strings(data: bytes) -> tuple[str, ...]:
    """NUL-terminated strings of a device-tree property (Devicetree Specification, 2.2.4)."""
    pieces = data.decode("utf-8", "replace").split("\0")
    return tuple(text for piece in pieces if (text := piece.strip()))


def parse_os_release(text: str) -> str:
    """PRETTY_NAME of os-release(5), which quotes like a shell; "Linux" if it has none."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            try:
                return " ".join(shlex.split(value)) or "Linux"
            except ValueError:  # a quote that is never closed
                return "Linux"
    return "Linux"


def parse_uptime(text: str) -> float:
    """The first figure of /proc/uptime, in seconds. Raises ValueError."""
    seconds = float(text.partition(" ")[0])
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("it is no span of time")
    return seconds


def _zone_number(zone: Path) -> int:
    digits = zone.name.removeprefix("thermal_zone")
    return int(digits) if digits.isdecimal() else 0


def _celsius(zone: Path) -> float:
    """NaN, which no range holds, for a sensor that is off: its driver answers with an error."""
    try:
        return int((zone / "temp").read_text("ascii")) / 1000
    except (OSError, ValueError):
        return math.nan


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
