"""A drawing as SVG: rectangles, lines and text on white, so that it reads on any page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Literal

INK, GREY, FAINT, WHITE = "#1f2328", "#59636e", "#d8dee4", "#ffffff"
BLUE, GREEN, AMBER, SAND = "#3b6fb6", "#3f8f5f", "#c98a1b", "#f3ead7"
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

Anchor = Literal["start", "middle", "end"]


@dataclass(slots=True)
class Drawing:
    """Lengths are in pixels from the upper left corner; what is drawn later lies above."""

    width: float
    height: float
    title: str
    ground: str = WHITE
    _parts: list[str] = field(default_factory=list)

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, radius: float = 0
    ) -> None:
        """A filled rectangle."""
        size = f'width="{_n(width)}" height="{_n(height)}"'
        # Without a seam between neighbours, in whatever size it is looked at.
        edge = f'rx="{_n(radius)}"' if radius else 'shape-rendering="crispEdges"'
        self._parts.append(f'<rect x="{_n(x)}" y="{_n(y)}" {size} {edge} fill="{fill}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = FAINT) -> None:
        """A line of one pixel."""
        ends = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
        self._parts.append(f'<line {ends} stroke="{colour}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 14,
        fill: str = INK,
        anchor: Anchor = "start",
        bold: bool = False,
        font: str = SANS,
        length: float = 0,
    ) -> None:
        """A line of text on the base line `y`; as wide as `length` whatever font is there."""
        words = [f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{fill}"']
        words += [f'text-anchor="{anchor}"'] if anchor != "start" else []
        words += ['font-weight="600"'] if bold else []
        words += [f'font-family="{font}"'] if font != SANS else []
        words += [f'textLength="{_n(length)}"'] if length else []
        shown = escape(text, quote=False)
        self._parts.append(f'<text {" ".join(words)} xml:space="preserve">{shown}</text>')

    def render(self) -> str:
        """The file's content."""
        size = f'width="{_n(self.width)}" height="{_n(self.height)}"'
        box = f'viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} font-family="{SANS}">'
        title = f"<title>{escape(self.title, quote=False)}</title>"
        ground = f'<rect width="100%" height="100%" rx="8" fill="{self.ground}"/>'
        return "\n".join([head, title, ground, *self._parts, "</svg>"]) + "\n"


def _n(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
