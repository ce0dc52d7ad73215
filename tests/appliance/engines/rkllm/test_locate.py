from __future__ import annotations

from pathlib import Path

import pytest

from appliance.engines.rkllm.failures import LibraryRefused
from appliance.engines.rkllm.locate import find_library


def test_what_is_configured_counts(tmp_path: Path) -> None:
    assert find_library(tmp_path / "x.so", tmp_path) == tmp_path / "x.so"


def test_the_usual_places_are_searched(tmp_path: Path) -> None:
    with pytest.raises(LibraryRefused, match=r"npu_engine\.library"):
        find_library(None, tmp_path)
    path = tmp_path / "usr/lib/librkllmrt.so"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_library(None, tmp_path) == path
