"""What was measured on a device, drawn: when each unit started, and the memory that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.pictures.svg import AMBER, BLUE, FAINT, GREEN, GREY, Drawing

_WIDTH = 860.0
_EDGE = 24.0
_HEAD = 64.0
_ROW = 22.0
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300)
_MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Start:
    """A unit that was started: from when until when, in seconds since the kernel began."""

    unit: str
    began: float
    ready: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ready - self.began


def read_starts(plot: Sequence[Mapping[str, object]]) -> list[Start]:
    """Units of `systemd-analyze plot --json=short` that became active; it counts microseconds."""
    return [
        Start(str(row["name"]), begun / 1e6, ready / 1e6)
        for row in plot
        if isinstance(begun := row["activating"], int)
        and isinstance(ready := row["activated"], int)
        and 0 < begun <= ready
    ]


def slowest(starts: Sequence[Start], most: int, always: str = "luna-") -> list[Start]:
    """At most `most` services, by their beginnings: those called `always…`, then the slow ones."""
    found = [each for each in starts if each.unit.endswith(".service")]
    found.sort(key=lambda each: (not each.unit.startswith(always), -each.seconds))
    return sorted(found[:most], key=lambda each: (each.began, each.ready))


def timeline(title: str, note: str, starts: Sequence[Start], end: float) -> str:
    """Bars from the beginning of each start to its end, on an axis of `end` seconds; as SVG."""
    names = 250.0
    drawing = _sheet(title, note, len(starts))
    bottom = _HEAD + _ROW * len(starts)
    scale = (_WIDTH - names - 2 * _EDGE - 44) / end
    step = next((each for each in _STEPS if end / each <= _MOST_STEPS), _STEPS[-1])
    for second in range(0, int(end) + 1, step):
        x = _EDGE + names + second * scale
        drawing.line(x, _HEAD - 6, x, bottom)
        drawing.text(x, bottom + 18, f"{second} s", size=12, fill=GREY, anchor="middle")
    for number, each in enumerate(starts):
        y = _HEAD + _ROW * number
        left = _EDGE + names + each.began * scale
        length = max(2.0, each.seconds * scale)
        colour = AMBER if each.unit.startswith("luna-") else BLUE
        _name(drawing, names, y, each.unit.removesuffix(".service"))
        drawing.rect(left, y + 3, length, _ROW - 8, colour, 2)
        drawing.text(left + length + 5, y + 14, f"{each.seconds:.1f}", size=11, fill=GREY)
    return drawing.render()


def bars(title: str, note: str, values: Mapping[str, float], unit: str) -> str:
    """One bar for each value, the largest first; as SVG."""
    names = 190.0
    drawing = _sheet(title, note, len(values))
    scale = (_WIDTH - names - 2 * _EDGE - 80) / max(values.values())
    ordered = sorted(values.items(), key=lambda each: -each[1])
    for number, (name, value) in enumerate(ordered):
        y = _HEAD + _ROW * number
        length = max(2.0, value * scale)
        _name(drawing, names, y, name)
        colour = AMBER if name.startswith("luna-") else GREEN
        drawing.rect(_EDGE + names, y + 3, length, _ROW - 8, colour, 2)
        drawing.text(_EDGE + names + length + 6, y + 14, f"{value:.1f} {unit}", size=12, fill=GREY)
    return drawing.render()


def _sheet(title: str, note: str, rows: int) -> Drawing:
    drawing = Drawing(_WIDTH, _HEAD + _ROW * rows + 32, title)
    drawing.text(_EDGE, 28, title, size=16, bold=True)
    drawing.text(_EDGE, 48, note, size=12, fill=GREY)
    drawing.line(_EDGE, _HEAD - 6, _WIDTH - _EDGE, _HEAD - 6, FAINT)
    return drawing


def _name(drawing: Drawing, width: float, y: float, name: str) -> None:
    short = name if len(name) <= 34 else f"{name[:33]}…"
    drawing.text(_EDGE + width - 8, y + 14, short, size=12, anchor="end")
