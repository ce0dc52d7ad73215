from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from appliance.label.code import modules, wifi_text
from appliance.label.sheet import draw, render
from appliance.system.identity import Identity
from appliance.system.label import Label

IDENTITY = Identity("cafe0123", "luna-cafe")
LABEL = Label("Luna-CAFE", "k7rm-2xqp-9dht")


def test_a_picture_says_how_large_it_is() -> None:
    with Image.open(BytesIO(render(LABEL, IDENTITY, "PNG"))) as image:
        assert image.size == (1181, 732)
        assert round(image.info["dpi"][0]) == 300


def test_a_printer_gets_the_same() -> None:
    assert render(LABEL, IDENTITY, "PDF").startswith(b"%PDF-")


def test_the_code_for_the_network_is_on_it_dot_by_dot() -> None:
    image = draw(LABEL, IDENTITY)
    code = modules(wifi_text(LABEL), quiet=0)
    scale = 307 // len(code)  # 26 mm
    left, top = 59, 260
    seen = tuple(
        tuple(
            image.getpixel((left + scale * x + scale // 2, top + scale * y + scale // 2)) == 0
            for x in range(len(code))
        )
        for y in range(len(code))
    )
    assert seen == code


@pytest.mark.parametrize("passphrase", ["", "x" * 8, "W" * 63])
def test_nothing_stands_in_the_margin(passphrase: str) -> None:
    image = draw(Label("Luna-CAFE", passphrase), IDENTITY)
    right, bottom = image.width - 35, image.height - 35
    for box in ((0, 0, 35, image.height), (right, 0, image.width, image.height)):
        assert image.crop(box).getextrema() == (255, 255)
    assert image.crop((0, bottom, image.width, image.height)).getextrema() == (255, 255)
