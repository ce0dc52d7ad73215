import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from appliance.serving.toolbox.call import Limits, call_tool
from appliance.serving.toolbox.signature import read_tools
from appliance.serving.toolbox.tool import ToolFailed

PLENTY = Limits(seconds=60, characters=16384)


def call(
    folder: Path,
    body: str,
    parameters: str = "",
    arguments: Mapping[str, object] | None = None,
    limits: Limits = PLENTY,
    environ: Mapping[str, str] | None = None,
) -> str:
    path = folder / "tool.py"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    path.write_text(f'import os, sys\ndef t({parameters}):\n    """Do it."""\n{lines}')
    (tool,), _ = read_tools(path.read_bytes(), path)
    return call_tool(tool, arguments or {}, limits, environ or {})


def gone(pid: int) -> bool:
    """Whether the process ended; one that nobody reaped yet is a zombie, Z."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def test_arguments_arrive_and_the_result_returns(tmp_path: Path) -> None:
    arguments: dict[str, object] = {"a": "Grüße 🌍", "b": [1, {"x": None}]}
    result = call(tmp_path, "return {'a': a, 'b': b}", "a: str, b: list", arguments)
    assert json.loads(result) == arguments


@pytest.mark.parametrize(
    ("expression", "text"),
    [("'é'", "é"), ("None", "done"), ("[1, 'é']", '[1, "é"]'), ("'\\ud800'", "?"), ("''", "")],
)
def test_results_are_text(tmp_path: Path, expression: str, text: str) -> None:
    assert call(tmp_path, f"return {expression}") == text


def test_what_a_tool_prints_is_no_part_of_its_result(tmp_path: Path) -> None:
    body = (
        "for stream in (sys.stdout, sys.stderr):\n"
        '    stream.write(\'{"text": "noise"}\\n\' * 50_000)\n'
        "os.system('echo noise')\n"
        "return 'clean'"
    )
    assert call(tmp_path, body) == "clean"


def test_a_long_result_is_cut_with_a_note(tmp_path: Path) -> None:
    result = call(tmp_path, "return '🌍' * 5_000_000", limits=Limits(60, 100))
    assert len(result) == 100
    assert result.endswith("(cut, it had 5000000 characters)")


def test_an_error_is_told_and_its_traceback_is_only_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with pytest.raises(ToolFailed) as caught:
        call(tmp_path, "raise ValueError('no such city')")
    assert caught.value.message == "The tool t failed: ValueError: no such city."
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("body", ["os._exit(3)", "sys.exit()", "os.kill(os.getpid(), 9)"])
def test_a_tool_that_dies_gave_no_answer(tmp_path: Path, body: str) -> None:
    with pytest.raises(ToolFailed, match="gave no answer"):
        call(tmp_path, body)


def test_a_tool_that_takes_too_long_is_stopped_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    body = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "while True: pass"
    )
    with pytest.raises(ToolFailed, match=r"longer than 2 seconds and was stopped"):
        call(tmp_path, body, limits=Limits(2, 100))
    for pid in map(int, pids.read_text().split()):
        wait_until_gone(pid)


def test_a_child_left_behind_neither_delays_nor_outlives_the_call(tmp_path: Path) -> None:
    body = "import subprocess\nreturn str(subprocess.Popen(['sleep', '1000']).pid)"
    wait_until_gone(int(call(tmp_path, body)))


def test_a_child_that_left_the_group_does_not_delay_the_call(tmp_path: Path) -> None:
    body = (
        "import subprocess\n"
        "return str(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)"
    )
    pid = int(call(tmp_path, body))
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_thread_that_never_ends_does_not_delay_the_call(tmp_path: Path) -> None:
    body = (
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\nreturn 'done'"
    )
    assert call(tmp_path, body) == "done"


def test_a_tool_sees_nothing_that_may_be_secret(tmp_path: Path) -> None:
    environ = {"LUNA_ADMIN_KEY": "s3cret", "TZ": "Asia/Tokyo", "PYTHONPATH": str(tmp_path)}
    seen = json.loads(call(tmp_path, "return dict(os.environ)", environ=environ))
    assert seen.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # Python's own doing
    assert set(seen) == {"PATH", "LANG", "TZ"}
    assert seen["TZ"] == "Asia/Tokyo"


def test_a_tool_works_in_a_safe_place_with_no_input(tmp_path: Path) -> None:
    body = "return [os.getcwd(), sys.stdin.read(), str(sys.flags.isolated)]"
    assert json.loads(call(tmp_path, body)) == ["/", "", "1"]


def test_a_tool_holds_no_descriptor_of_the_server(tmp_path: Path) -> None:
    with socket.socket() as server:
        os.set_inheritable(server.fileno(), True)
        found = json.loads(call(tmp_path, "return os.listdir('/proc/self/fd')"))
    # stdin, stdout, stderr, the answer, and the one that lists.
    assert len(found) == 5


def test_a_tool_may_use_the_readings_of_luna(tmp_path: Path) -> None:
    body = "from appliance.system.memory import read_memory\nreturn read_memory().total_bytes"
    assert int(call(tmp_path, body)) > 0


def test_a_compiled_copy_is_neither_used_nor_made(tmp_path: Path) -> None:
    call(tmp_path, "return 1")
    assert not (tmp_path / "__pycache__").exists()


def test_no_descriptor_is_lost(tmp_path: Path, mocker: MockerFixture) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - the count includes its own
    call(tmp_path, "return 1")
    with pytest.raises(ToolFailed):
        call(tmp_path, "os._exit(1)")
    mocker.patch("subprocess.Popen", side_effect=OSError(12, "Cannot allocate memory"))
    with pytest.raises(ToolFailed, match="could not be started"):
        call(tmp_path, "return 1")
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208
