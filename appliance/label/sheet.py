"""The label itself, drawn for a printer: 100 x 62 mm, black on white."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFont

from appliance.label.code import Modules, modules, wifi_text
from appliance.system.identity import Identity
from appliance.system.label import Label

_DPI: Final = 300
_WIDTH_MM: Final = 100.0
_HEIGHT_MM: Final = 62.0
_MARGIN_MM: Final = 5.0
_COLUMN_MM: Final = 47.0
_CODE_MM: Final = 26.0
_TEXT_MM: Final = 42.0
_WHITE, _BLACK, _GREY = 255, 0, 90

Form = Literal["PNG", "PDF"]
FORMS: Final[tuple[Form, ...]] = ("PNG", "PDF")


@dataclass(frozen=True, slots=True)
class _Column:
    """One step of two: a code, what it does, and the same for who types."""

    text: str
    title: str
    lines: tuple[str, ...]


def draw(label: Label, identity: Identity) -> Image.Image:
    """The label as a picture of 300 dots per inch."""
    image = Image.new("L", (_dots(_WIDTH_MM), _dots(_HEIGHT_MM)), _WHITE)
    pen = ImageDraw.Draw(image)
    pen.text((_dots(_MARGIN_MM), _dots(4)), "Luna", _BLACK, _font(7.5))
    pen.text(
        (_dots(_WIDTH_MM - _MARGIN_MM), _dots(6.6)), identity.name, _GREY, _font(4), anchor="ra"
    )
    top = _dots(14)
    pen.line((_dots(_MARGIN_MM), top, _dots(_WIDTH_MM - _MARGIN_MM), top), _GREY, _dots(0.2))
    address = f"http://{identity.name}.local"
    password = f"Password  {label.passphrase}" if label.passphrase else "No password"
    columns = (
        _Column(wifi_text(label), "1  Join this WiFi", (label.ssid, password)),
        _Column(address, "2  Then open", (address, "or  http://10.42.0.1")),
    )
    for number, column in enumerate(columns):
        _put(image, pen, column, _MARGIN_MM + number * _COLUMN_MM)
    return image


def render(label: Label, identity: Identity, form: Form) -> bytes:
    """The label as a file."""
    out = BytesIO()
    image = draw(label, identity)
    if form == "PNG":
        image.save(out, "PNG", dpi=(_DPI, _DPI), optimize=True)
    else:
        image.convert("1").save(out, "PDF", resolution=_DPI, title=f"Luna {identity.name}")
    return out.getvalue()


def _put(image: Image.Image, pen: ImageDraw.ImageDraw, column: _Column, left_mm: float) -> None:
    left = _dots(left_mm)
    pen.text((left, _dots(15.5)), column.title, _BLACK, _font(3.6))
    image.paste(_picture(modules(column.text, quiet=0)), (left, _dots(22)))
    for number, line in enumerate(column.lines):
        pen.text((left, _dots(49.5 + 5 * number)), line, _BLACK, _fitting(line, 3.4))


def _picture(code: Modules) -> Image.Image:
    """Whole dots for each module: what is scaled afterwards is hard to read."""
    side = len(code)
    small = Image.new("1", (side, side))
    small.putdata([0 if dark else 1 for row in code for dark in row])
    scale = max(1, _dots(_CODE_MM) // side)
    return small.resize((side * scale, side * scale), Image.Resampling.NEAREST)


def _fitting(text: str, size_mm: float) -> ImageFont.FreeTypeFont:
    """The font, smaller where the text would not fit."""
    width = _font(size_mm).getlength(text)
    return _font(size_mm * min(1.0, _dots(_TEXT_MM) / width))


def _font(size_mm: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(_dots(size_mm))
    assert isinstance(font, ImageFont.FreeTypeFont)  # the wheels have FreeType
    return font


def _dots(mm: float) -> int:
    return round(mm * _DPI / 25.4)
