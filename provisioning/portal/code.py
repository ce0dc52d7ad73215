"""QR codes."""

from __future__ import annotations

import segno
from markupsafe import Markup


def svg(text: str) -> Markup:
    """A QR code as an SVG element without a size, black on whatever is behind it."""
    code = segno.make_qr(text, error="m")
    return Markup(code.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None))
