import os
import threading
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.serving.toolbox import SHIPPED_TOOLS, Toolbox, ToolFailed

ME = frozenset({os.getuid()})


def put(folder: Path, name: str, *functions: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    path = folder / name
    path.write_text(
        "".join(f'def {each}: \n    """Do it."""\n    return 1\n' for each in functions)
    )
    path.chmod(0o644)
    return path


def names(box: Toolbox) -> list[str]:
    return [tool.name for tool in box.tools()]


def test_the_shipped_tools_are_complete() -> None:
    box = Toolbox()
    assert names(box) == ["get_current_time", "get_device_status", "get_wifi_status"]
    assert box.refused() == ()
    for tool in box.tools():
        assert tool.description
        assert tool.parameters["properties"] == {}


@pytest.mark.parametrize("name", ["get_current_time", "get_device_status", "get_wifi_status"])
def test_the_shipped_tools_answer_in_plain_sentences(name: str) -> None:
    answer = Toolbox(time_limit=60).run(name, "{}")
    assert answer.endswith(".")
    assert "\n" not in answer


def test_the_shipped_folder_is_trusted_whoever_owns_it(mocker: MockerFixture) -> None:
    check = mocker.patch("appliance.serving.toolbox.box.folder_objection", return_value="no")
    assert names(Toolbox([SHIPPED_TOOLS]))
    check.assert_not_called()


def test_a_tool_of_another_folder_runs(tmp_path: Path) -> None:
    put(tmp_path / "tools", "a.py", "add(x: int, y: int = 2)")
    box = Toolbox([tmp_path / "tools"], time_limit=60, trusted_uids=ME)
    assert box.run("add", '{"x": 1}') == "1"


def test_folders_that_are_not_there_hold_no_tools(tmp_path: Path) -> None:
    box = Toolbox([tmp_path / "none"], trusted_uids=ME)
    assert box.tools() == ()
    assert box.refused() == ()


def test_what_others_can_change_is_refused(tmp_path: Path) -> None:
    bad = put(tmp_path / "tools", "bad.py", "bad()")
    put(tmp_path / "tools", "good.py", "good()")
    bad.chmod(0o666)
    box = Toolbox([tmp_path / "tools"], trusted_uids=ME)
    assert names(box) == ["good"]
    assert [path for path, _ in box.refused()] == [bad.resolve()]
    bad.parent.chmod(0o777)
    assert names(box) == []
    assert [path for path, _ in box.refused()] == [bad.parent.resolve()]
    bad.parent.chmod(0o755)
    bad.chmod(0o644)
    assert names(box) == ["bad", "good"]
    assert box.refused() == ()


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "tools"
    box = Toolbox([folder], trusted_uids=ME)
    assert names(box) == []
    path = put(folder, "a.py", "one()")
    assert names(box) == ["one"]
    put(folder, "a.py", "one()", "two()")
    assert names(box) == ["one", "two"]
    path.unlink()
    assert names(box) == []


def test_an_unchanged_folder_is_not_read_again(tmp_path: Path, mocker: MockerFixture) -> None:
    put(tmp_path / "tools", "a.py", "one()")
    box = Toolbox([tmp_path / "tools"], trusted_uids=ME)
    first = box.tools()
    mocker.patch("appliance.serving.toolbox.box.read_tools", side_effect=AssertionError)
    assert box.tools() == first


def test_a_tool_that_became_untrusted_does_not_run(tmp_path: Path) -> None:
    path = put(tmp_path / "tools", "a.py", "one()")
    box = Toolbox([tmp_path / "tools"], time_limit=60, trusted_uids=ME)
    assert box.run("one", "") == "1"
    path.chmod(0o666)
    with pytest.raises(ToolFailed, match="There is no tool named 'one'; there are: none"):
        box.run("one", "")


def test_a_parent_that_was_opened_to_others_is_noticed(tmp_path: Path) -> None:
    put(tmp_path / "above/tools", "a.py", "one()")
    (tmp_path / "above").chmod(0o755)
    box = Toolbox([tmp_path / "above/tools"], trusted_uids=ME)
    assert names(box) == ["one"]
    (tmp_path / "above").chmod(0o777)
    assert names(box) == []


def test_earlier_folders_win_a_name(tmp_path: Path) -> None:
    first = put(tmp_path / "first", "a.py", "one()")
    second = put(tmp_path / "second", "b.py", "one()", "two()")
    box = Toolbox([tmp_path / "first", tmp_path / "second"], trusted_uids=ME)
    assert [(tool.name, tool.path) for tool in box.tools()] == [
        ("one", first.resolve()),
        ("two", second.resolve()),
    ]
    assert box.refused() == ((second.resolve(), f"one: {first.resolve()} has one of that name."),)


def test_private_and_hidden_files_are_not_tools(tmp_path: Path) -> None:
    for name in ("__init__.py", "_helper.py", ".a.py.swp.py", "notes.txt"):
        put(tmp_path / "tools", name, "one()")
    box = Toolbox([tmp_path / "tools"], trusted_uids=ME)
    assert box.tools() == ()
    assert box.refused() == ()


def test_a_broken_file_is_refused_alone(tmp_path: Path) -> None:
    put(tmp_path / "tools", "a.py", "one()")
    broken = put(tmp_path / "tools", "b.py", "two(")
    box = Toolbox([tmp_path / "tools"], trusted_uids=ME)
    assert names(box) == ["one"]
    ((path, reason),) = box.refused()
    assert path == broken.resolve()
    assert "not Python" in reason


def test_a_file_that_cannot_be_read_is_refused_alone(tmp_path: Path, mocker: MockerFixture) -> None:
    secret = put(tmp_path / "tools", "a.py", "one()").resolve()
    put(tmp_path / "tools", "b.py", "two()")
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path == secret:
            raise PermissionError(13, "Permission denied")
        return real(path)

    mocker.patch.object(Path, "read_bytes", read_bytes)
    box = Toolbox([tmp_path / "tools"], trusted_uids=ME)
    assert names(box) == ["two"]
    assert [path for path, _ in box.refused()] == [secret]


def test_links_in_a_circle_hold_no_tools(tmp_path: Path) -> None:
    (tmp_path / "tools").symlink_to(tmp_path / "tools")
    box = Toolbox([tmp_path / "tools"], trusted_uids=ME)
    assert box.tools() == ()


def test_a_link_to_a_folder_leads_there(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.py", "one()")
    (tmp_path / "tools").symlink_to(tmp_path / "real")
    assert names(Toolbox([tmp_path / "tools"], trusted_uids=ME)) == ["one"]


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "tools", "a.py", "one()")
    box = Toolbox([path], trusted_uids=ME)
    assert box.tools() == ()
    assert "Not a directory" in box.refused()[0][1]


def test_an_unknown_tool_is_answered_with_those_there_are() -> None:
    with pytest.raises(ToolFailed, match=r"no tool named 'x'; there are: get_current_time, get_"):
        Toolbox().run("x", "{}")


def test_wrong_arguments_start_no_process(mocker: MockerFixture) -> None:
    start = mocker.patch("subprocess.Popen")
    with pytest.raises(ToolFailed, match="unknown field `zone`"):
        Toolbox().run("get_current_time", '{"zone": "UTC"}')
    start.assert_not_called()


def test_many_threads_share_a_toolbox() -> None:
    box = Toolbox(time_limit=60)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(box.run("get_current_time", "")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer.startswith("It is ") for answer in answers)
