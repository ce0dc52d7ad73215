from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.pictures import phone


@pytest.mark.needs("chromium")
def test_the_way_onto_a_wifi_is_four_pictures_of_a_phone() -> None:
    found = dict(phone.setup())
    assert list(found) == [f"setup-{each}.png" for each in "choose joining wrong online".split()]
    assert len(set(found.values())) == 4
    for content in found.values():
        with Image.open(BytesIO(content)) as image:
            assert image.size == (phone.WIDTH * phone.SCALE, phone.HEIGHT * phone.SCALE)
