"""The processor: how busy it is, what it is called, what it can do, which of its cores are big."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from appliance.errors import ReadingUnavailable

# What the prebuilt CPU engine is compiled for; without them it dies of an illegal instruction.
# Arm calls its vector unit `asimd`, the quick 8-bit dot product `asimddp`.
X86_FEATURES = ("avx2", "fma", "f16c", "bmi2")
ARM_FEATURES = ("asimd",)

_T = TypeVar("_T")

# "CPU part" of implementer 0x41 (Arm Ltd): the cores of boards that Luna meets.
_ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd41": "Cortex-A78",
}


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Clock ticks since boot, summed over all cores."""

    busy: int
    total: int


@dataclass(frozen=True, slots=True)
class CpuModel:
    """Name, cores and the features that every core has; `big_cores` is empty if all are alike."""

    name: str
    cores: int
    features: frozenset[str]
    big_cores: tuple[int, ...] = ()

    @property
    def missing_features(self) -> tuple[str, ...]:
        """What the prebuilt CPU engine needs and this processor lacks."""
        needed = X86_FEATURES if "fpu" in self.features else ARM_FEATURES  # every x86 says fpu
        return tuple(feature for feature in needed if feature not in self.features)


class CpuMeter:
    """Busy share of all cores between two readings; safe to share between threads.

    Readings closer than `shortest` seconds give the previous figure: a few ticks tell nothing.
    """

    def __init__(
        self,
        proc: Path = Path("/proc"),
        clock: Callable[[], float] = time.monotonic,
        shortest: float = 0.1,
    ) -> None:
        self._file = proc / "stat"
        self._clock = clock
        self._shortest = shortest
        self._lock = threading.Lock()
        self._times = CpuTimes(0, 0)
        self._read_at = float("-inf")
        self._percent = 0.0

    def percent(self) -> float:
        """0 to 100 since the previous reading, since boot the first time.

        Raises ReadingUnavailable.
        """
        with self._lock:
            now = self._clock()
            if now - self._read_at >= self._shortest:
                times = _read(self._file, parse_cpu_times)
                self._percent = busy_percent(self._times, times, otherwise=self._percent)
                self._times, self._read_at = times, now
            return self._percent


def busy_percent(before: CpuTimes, after: CpuTimes, otherwise: float = 0.0) -> float:
    """Busy share of the ticks between two readings; `otherwise` if the total did not grow."""
    total = after.total - before.total
    if total <= 0:
        return otherwise
    # The kernel lets single counters run backwards, iowait above all (proc_stat(5)).
    return min(100.0, max(0.0, 100.0 * (after.busy - before.busy) / total))


def parse_cpu_times(text: str) -> CpuTimes:
    """The first line of /proc/stat (proc_stat(5)). Raises ValueError."""
    name, *fields = text.partition("\n")[0].split()
    if name != "cpu" or len(fields) < 4:
        raise ValueError("no line of all processors")
    # guest and guest_nice, the last two, are already part of user and nice.
    ticks = [int(field) for field in fields[:8]]
    waiting = sum(ticks[3:5])  # idle and iowait
    return CpuTimes(busy=sum(ticks) - waiting, total=sum(ticks))


def read_cpu_model(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> CpuModel:
    """The processor of this machine. Raises ReadingUnavailable."""
    model = _read(proc / "cpuinfo", parse_cpuinfo)
    return CpuModel(model.name, model.cores, model.features, read_big_cores(sys))


def parse_cpuinfo(text: str) -> CpuModel:
    """/proc/cpuinfo of x86 or arm, without big cores. Raises ValueError if it lists no core."""
    cores = [core for core in _blocks(text) if "processor" in core]
    if not cores:
        raise ValueError("no processor in it")
    features = (core.get("flags", core.get("Features", "")).split() for core in cores)
    return CpuModel(
        name=_name(cores),
        cores=len(cores),
        features=frozenset.intersection(*map(frozenset, features)),
    )


def read_big_cores(sys: Path = Path("/sys")) -> tuple[int, ...]:
    """Numbers of the cores that are clearly stronger than the weakest; 4 to 7 on an RK3588."""
    for figure in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        strengths = dict(_strengths(sys / "devices/system/cpu", figure))
        if strengths:
            # Favoured cores of a PC differ by a few percent, big and little ones by more than 10.
            limit = min(strengths.values()) * 1.1
            return tuple(sorted(core for core, value in strengths.items() if value > limit))
    return ()


def _strengths(folder: Path, figure: str) -> Iterator[tuple[int, int]]:
    for path in folder.glob(f"cpu[0-9]*/{figure}"):
        number = path.relative_to(folder).parts[0].removeprefix("cpu")
        try:
            yield int(number), int(path.read_text("ascii"))
        except (OSError, ValueError):
            continue  # a core that is offline has no figures


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in text.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        yield {key.strip(): value.strip() for key, _, value in pairs}


def _name(cores: Iterable[dict[str, str]]) -> str:
    """The model name of x86; arm cores name a part number, so count each kind."""
    kinds = Counter(core.get("model name") or _arm_core(core) for core in cores)
    if len(kinds) == 1:
        return next(iter(kinds))
    return ", ".join(f"{count}x {kind}" for kind, count in kinds.items())


def _arm_core(core: dict[str, str]) -> str:
    part = core.get("CPU part", "unknown")
    known = _ARM_PARTS.get(part) if core.get("CPU implementer") == "0x41" else None
    return known or f"processor {part}"


def _read(path: Path, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(path.read_text("utf-8", "replace"))
    except (OSError, ValueError) as error:
        raise ReadingUnavailable(
            f"The processor cannot be read from {path} ({error}); Luna needs Linux with /proc."
        ) from error
