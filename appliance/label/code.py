"""QR codes: what they say, and their modules."""

from __future__ import annotations

import segno
from segno import helpers

from appliance.system.label import Label

Modules = tuple[tuple[bool, ...], ...]


def wifi_text(label: Label) -> str:
    """What phones join a network by (the form that ZXing made: `WIFI:T:WPA;S:...;P:...;;`)."""
    if not label.passphrase:
        return str(helpers.make_wifi_data(label.ssid, None, None))
    return str(helpers.make_wifi_data(label.ssid, label.passphrase, "WPA"))


def modules(text: str, quiet: int = 4) -> Modules:
    """Rows of a QR code's modules, True where it is dark, with a border of `quiet` light ones."""
    code = segno.make_qr(text, error="m")
    return tuple(tuple(bool(each) for each in row) for row in code.matrix_iter(border=quiet))
