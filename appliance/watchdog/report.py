"""What the watchdog sees, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.errors import ReadingUnavailable
from appliance.system.kmsg import KernelLog
from appliance.system.npu import read_npu
from appliance.system.rknpu_log import parse_npu_event
from appliance.watchdog.ledger import Ledger
from appliance.watchdog.readings import Heartbeat, Readings

_WIDTH = 14


def report(readings: Readings, url: str, known: Ledger | None, root: Path) -> Iterator[str]:
    """A line for each thing it looks at; what is missing is told with its remedy."""
    yield _line("server", _server(readings, url))
    for beat in readings.engines or ():
        yield _line("", _engine(beat))
    yield _line("NPU", _npu(root))
    yield _line("interrupts", _or_unknown(readings.interrupts, "{} of the NPU since boot"))
    yield _line("kernel log", _kernel(root))
    heat = ", ".join(f"{each.zone} {each.celsius:.0f} °C" for each in readings.temperatures)
    yield _line("temperatures", heat or "none are told")
    waits = _or_unknown(readings.memory_pressure, "{:.0f} % of the time is spent waiting for it")
    yield _line("memory", waits)
    yield _line("soft reset", "possible" if readings.can_reset else "not possible")
    yield _line("remembered", _ledger(known))


def _line(name: str, text: str) -> str:
    return f"{name:{_WIDTH}}{text}"


def _server(readings: Readings, url: str) -> str:
    if readings.engines is None:
        return f"no answer at {url}; start it, or name another with --url"
    return f"answers at {url}, models in memory: {len(readings.engines)}"


def _engine(beat: Heartbeat) -> str:
    where = "NPU" if beat.on_npu else "CPU"
    state = beat.state or "in an unknown state"
    text = f"{beat.model} on the {where}, {state}, {beat.running} running"
    return text if beat.silent_s is None else f"{text}, silent for {beat.silent_s:.0f} s"


def _npu(root: Path) -> str:
    try:
        reading = read_npu(root)
    except ReadingUnavailable as error:
        return error.message
    cores = ", ".join(f"{percent:.0f} %" for percent in reading.cores_percent)
    clock = f", {reading.frequency_hz / 1e6:.0f} MHz" if reading.frequency_hz else ""
    return f"{cores} busy{clock}, driver {reading.driver_version or 'of unknown version'}"


def _kernel(root: Path) -> str:
    try:
        with KernelLog(root) as log:
            events = [parse_npu_event(line.text) for line in log.read()]
    except ReadingUnavailable as error:
        return error.message
    found = sorted({event.value for event in events if event is not None})
    return f"of the NPU's driver: {', '.join(found)}" if found else "nothing of the NPU's driver"


def _ledger(known: Ledger | None) -> str:
    if known is None:
        return "nothing yet"
    counts = ", ".join(f"{name} {count}" for name, count in sorted(known.counts.items()))
    return f"state {known.state}; {counts or 'no incidents'}"


def _or_unknown(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)
