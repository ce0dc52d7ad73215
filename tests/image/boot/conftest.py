"""The image that is booted, and the machines that are shared by a file's checks."""

from __future__ import annotations

from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[3] / "dist/image/luna-virt-arm64.img"


@pytest.fixture(scope="session")
def image() -> Path:
    """The file that a user would flash, before it is compressed."""
    if not IMAGE.exists():
        pytest.fail("There is no image to boot: run `make image BOARD=virt-arm64`", pytrace=False)
    return IMAGE
