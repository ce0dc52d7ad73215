import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.serving.toolbox.ownership import file_objection, folder_objection

ME = frozenset({os.getuid()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "above/tools"
    folder.mkdir(parents=True)
    for place in (folder.parent, folder):
        place.chmod(0o755)
    return folder.resolve()


@pytest.fixture
def tool(folder: Path) -> Path:
    path = folder / "tool.py"
    path.write_text("")
    path.chmod(0o644)
    return path


def pretend_owner(mocker: MockerFixture, owned: Path, uid: int) -> None:
    """Changing an owner takes root, so let lstat tell another one."""
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        status = real(path)
        return os.stat_result((*status[:4], uid, *status[5:10])) if path == owned else status

    mocker.patch.object(Path, "lstat", lstat)


def test_what_the_owner_alone_can_change_is_fine(folder: Path, tool: Path) -> None:
    assert folder_objection(folder, ME) is None
    assert file_objection(tool, ME) is None


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_change(tool: Path, mode: int) -> None:
    tool.chmod(mode)
    assert file_objection(tool, ME) == (
        f"{tool} can be changed by others than its owner: chmod go-w {tool}"
    )


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_folder_that_others_can_change(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    assert "chmod go-w" in (folder_objection(folder, ME) or "")


def test_a_folder_that_others_can_swap(folder: Path) -> None:
    folder.parent.chmod(0o777)
    assert str(folder.parent) in (folder_objection(folder, ME) or "")


def test_a_sticky_parent_protects_what_is_in_it(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert folder_objection(folder, ME) is None


def test_a_file_of_somebody_else(tool: Path, mocker: MockerFixture) -> None:
    pretend_owner(mocker, tool, 4711)
    assert "belongs to user 4711" in (file_objection(tool, ME) or "")
    assert file_objection(tool, {4711}) is None


def test_a_folder_of_somebody_else(folder: Path, mocker: MockerFixture) -> None:
    pretend_owner(mocker, folder.parent, 4711)
    assert "belongs to user 4711" in (folder_objection(folder, ME) or "")


def test_root_needs_no_trust(tool: Path, mocker: MockerFixture) -> None:
    pretend_owner(mocker, tool, 0)
    assert file_objection(tool, ()) is None


def test_a_link_is_no_tool(tool: Path) -> None:
    link = tool.with_name("link.py")
    link.symlink_to(tool)
    assert "not a plain file" in (file_objection(link, ME) or "")
