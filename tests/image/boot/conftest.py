"""The image that is booted, and the machines that are shared by a file's checks."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "dist/image"


@pytest.fixture(scope="session")
def image() -> Path:
    """The file that a user would flash, before it is compressed."""
    return _made("luna-virt-arm64.img")


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The same system as a signed update."""
    return _made("luna-virt-arm64.raucb")


def _made(name: str) -> Path:
    if not (FOLDER / name).exists():
        pytest.fail("There is no image to boot: run `make image BOARD=virt-arm64`", pytrace=False)
    return FOLDER / name
