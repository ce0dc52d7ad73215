"""A terminal's lines as SVG: colours of ECMA-48 as they are, and block elements as rectangles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tests.pictures.svg import MONO, Drawing

# A character is twice as high as wide, as on the kernel's console (8 x 16).
_CELL, _LINE = 8.0, 16.0
_EDGE = 16.0
_GROUND, _INK = "#14161a", "#d7dae0"
_BLACK, _BRIGHT = "#000000", "#ffffff"
_COLOURS = {
    31: "#f0736a",
    32: "#7bc275",
    33: "#e0b354",
    35: "#c08be0",
    36: "#5fc3cf",
    30: _BLACK,
}
_SGR = re.compile("\x1b\\[([0-9;]*)m")
# Where in a cell a block element is drawn: from which height, and how much of it.
_BLOCKS = {"█": (0.0, 1.0), "▀": (0.0, 0.5), "▄": (0.5, 0.5), "─": (0.5, 1 / _LINE)}


@dataclass(frozen=True, slots=True)
class Style:
    """How a character looks."""

    ink: str = _INK
    ground: str = _GROUND
    bold: bool = False

    def after(self, code: int) -> Style:
        """As a code of SGR changes it; KeyError for one that nothing here uses."""
        match code:
            case 0:
                return Style()
            case 1:
                return replace(self, bold=True)
            case 107:
                return replace(self, ground=_BRIGHT)
        return replace(self, ink=_COLOURS[code])


def draw(title: str, lines: Sequence[str], columns: int) -> str:
    """A screen of that many columns, as high as its lines; as SVG."""
    drawing = Drawing(
        columns * _CELL + 2 * _EDGE, len(lines) * _LINE + 2 * _EDGE, title, ground=_GROUND
    )
    for number, line in enumerate(lines):
        column = 0
        for style, text in runs(line):
            _put(drawing, _EDGE + column * _CELL, _EDGE + number * _LINE, style, text)
            column += len(text)
        if column > columns:
            raise ValueError(f"{column} columns do not fit in {columns}: {line!r}")
    return drawing.render()


def runs(line: str) -> Iterator[tuple[Style, str]]:
    """Pieces of a line that look the same."""
    style = Style()
    pieces = _SGR.split(line)
    for number, piece in enumerate(pieces):
        if number % 2:
            for code in piece.split(";"):
                style = style.after(int(code or 0))
        elif piece:
            yield style, piece


def _put(drawing: Drawing, left: float, top: float, style: Style, text: str) -> None:
    if style.ground != _GROUND:
        drawing.rect(left, top, len(text) * _CELL, _LINE, style.ground)
    for character, same in groupby(text, lambda each: each if each in _BLOCKS else ""):
        piece = "".join(same)
        width = len(piece) * _CELL
        if character:
            start, share = _BLOCKS[character]
            drawing.rect(left, top + start * _LINE, width, share * _LINE, style.ink)
        else:
            _write(drawing, left, top, style, piece.rstrip())
        left += width


def _write(drawing: Drawing, left: float, top: float, style: Style, text: str) -> None:
    shown = text.lstrip()
    left += (len(text) - len(shown)) * _CELL
    if shown:
        drawing.text(
            left,
            top + 12,
            shown,
            size=_CELL / 0.6,
            fill=style.ink,
            bold=style.bold,
            font=MONO,
            length=len(shown) * _CELL,
        )
