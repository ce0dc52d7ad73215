"""QR codes: what they say, and their modules."""

from __future__ import annotations

import re

import segno

from appliance.system.label import Label

Modules = tuple[tuple[bool, ...], ...]


def wifi_text(label: Label) -> str:
    """What phones join a network by, in the form that the reader ZXing made."""
    if not label.passphrase:
        return f"WIFI:T:nopass;S:{_escaped(label.ssid)};;"
    return f"WIFI:T:WPA;S:{_escaped(label.ssid)};P:{_escaped(label.passphrase)};;"


def modules(text: str, quiet: int = 4) -> Modules:
    """Rows of a QR code's modules, True where it is dark, with a border of `quiet` light ones."""
    code = segno.make_qr(text, error="m")
    return tuple(tuple(bool(each) for each in row) for row in code.matrix_iter(border=quiet))


def _escaped(text: str) -> str:
    return re.sub(r'([\\;,":])', r"\\\1", text)
