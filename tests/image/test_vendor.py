"""Vendor files: what is missing or wrong is told so that one knows what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from image.builder import board, vendor
from image.builder.programs import BuildError
from tests.image.stand_in import vendor_files

ROCK = board.load("rock-5b")


def test_complete_and_right_files_are_taken(tmp_path: Path) -> None:
    made = vendor_files(ROCK, tmp_path)
    assert vendor.gather(ROCK, tmp_path) == made
    assert {"idbloader.img", "u-boot.itb", "librkllmrt.so", "armbian.asc"} == made.keys()


def test_every_missing_file_is_named_with_its_place_and_origin(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as told:
        vendor.gather(ROCK, tmp_path)
    for name, origin in ROCK.vendor_files:
        assert f"{tmp_path / name}: {origin}" in str(told.value)


def test_a_file_without_a_sum_is_refused(tmp_path: Path) -> None:
    vendor_files(ROCK, tmp_path)
    (tmp_path / "SHA256SUMS").unlink()
    with pytest.raises(BuildError, match=r"has no line for idbloader\.img.*sha256sum"):
        vendor.gather(ROCK, tmp_path)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    vendor_files(ROCK, tmp_path)
    (tmp_path / "u-boot.itb").write_bytes(b"something else")
    with pytest.raises(BuildError, match=r"u-boot\.itb has the SHA-256 .* damaged"):
        vendor.gather(ROCK, tmp_path)


def test_a_board_without_vendor_files_needs_no_folder(tmp_path: Path) -> None:
    assert vendor.gather(board.load("virt-arm64"), tmp_path / "none") == {}
