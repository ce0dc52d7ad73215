import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.errors import ReadingUnavailable
from appliance.system.disk import read_disk


def test_free_space_is_what_an_ordinary_user_may_write(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    disk = read_disk(tmp_path)
    assert disk.total_bytes == status.f_blocks * status.f_frsize
    assert 0 <= disk.free_bytes <= disk.total_bytes


def test_a_folder_to_be_made_is_measured_where_it_will_stand(tmp_path: Path) -> None:
    there = read_disk(tmp_path)
    assert read_disk(tmp_path / "not/yet/here").total_bytes == there.total_bytes


def test_a_disk_that_fails_gives_a_remedy(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch("shutil.disk_usage", side_effect=OSError(5, "Input/output error"))
    with pytest.raises(ReadingUnavailable, match=r"Input/output error.*check that the disk"):
        read_disk(tmp_path)


def test_a_folder_behind_a_closed_door_gives_a_remedy(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    mocker.patch.object(Path, "exists", side_effect=PermissionError(13, "Permission denied"))
    with pytest.raises(ReadingUnavailable, match="may enter the folder"):
        read_disk(tmp_path)
