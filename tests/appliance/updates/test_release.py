from __future__ import annotations

from pathlib import Path

import pytest

from appliance.updates.release import is_older, running_version


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.1.0+202611212102", "0.1.0+202611212103"),
        ("0.1.0+202611212102", "0.1.1+202601010000"),
        ("0.9.0+202601010000", "0.10.0+202501010000"),
        ("", "0.1"),
    ],
)
def test_versions_have_an_order(one: str, other: str) -> None:
    assert is_older(one, other)
    assert not is_older(other, one)
    assert not is_older(one, one)


def test_the_image_says_which_it_is(tmp_path: Path) -> None:
    assert running_version(tmp_path) == ""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('NAME="Debian"\nIMAGE_VERSION="1.2+3"\n', "utf-8")
    assert running_version(tmp_path) == "1.2+3"
