"""Memory of the machine and of one process, as the kernel counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ReadingUnavailable


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in all, and bytes that new work can have without swapping."""

    total_bytes: int
    available_bytes: int

    @property
    def used_percent(self) -> float:
        """0 to 100; caches that the kernel gives back at once do not count as used."""
        used = self.total_bytes - self.available_bytes
        return min(100.0, max(0.0, 100.0 * used / self.total_bytes))


def read_memory(proc: Path = Path("/proc")) -> Memory:
    """Memory of the machine. Raises ReadingUnavailable."""
    path = proc / "meminfo"
    try:
        return parse_meminfo(path.read_text("utf-8", "replace"))
    except (OSError, ValueError) as error:
        raise ReadingUnavailable(
            f"Memory cannot be read from {path} ({error}); Luna needs Linux with /proc."
        ) from error


def peak_rss_bytes(pid: int, proc: Path = Path("/proc")) -> int:
    """The most memory process `pid` ever held. Raises ReadingUnavailable, also if it is gone."""
    try:
        return parse_kilobytes((proc / str(pid) / "status").read_text("utf-8", "replace"), "VmHWM")
    except (OSError, ValueError) as error:
        raise ReadingUnavailable(
            f"Process {pid} has no memory to read ({error}); it may have ended."
        ) from error


def out_of_memory_kills(proc: Path = Path("/proc")) -> int:
    """Programs that the kernel killed since its start as memory ran out (/proc/vmstat).

    Raises ReadingUnavailable.
    """
    path = proc / "vmstat"
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
        counts = dict(line.split(" ", 1) for line in lines if line)
        return int(counts["oom_kill"])
    except (OSError, ValueError, KeyError) as error:
        raise ReadingUnavailable(
            f"{path} does not count killed programs ({error!r}); that takes Linux 4.13 or newer."
        ) from error


def parse_meminfo(text: str) -> Memory:
    """/proc/meminfo (proc_meminfo(5)). Raises ValueError."""
    total = parse_kilobytes(text, "MemTotal")
    if total <= 0:
        raise ValueError("MemTotal is not above zero")
    return Memory(total, parse_kilobytes(text, "MemAvailable"))


def parse_kilobytes(text: str, name: str) -> int:
    """Bytes of the line `name: N kB`. Raises ValueError."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            number, _, unit = value.strip().partition(" ")
            if unit.strip() != "kB":
                raise ValueError(f"{name} is not in kB")
            return int(number) * 1024
    raise ValueError(f"{name} is not in it")
