import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.serving import toolhost


def test_it_starts_without_anything_of_luna() -> None:
    source = Path(toolhost.__file__).read_text()
    assert "import appliance" not in source
    assert "from appliance" not in source


@given(st.text(st.characters()), st.integers(0, 200))
def test_cut_text_is_short_and_true(text: str, characters: int) -> None:
    cut = toolhost.cut(text, characters)
    assert len(cut) <= max(characters, 50)
    cut.encode("utf-8")
    if len(text) <= characters:
        assert cut == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    ("result", "text"),
    [(None, "done"), ("a", "a"), (1.5, "1.5"), (True, "true"), (Path("/a"), '"/a"')],
)
def test_anything_can_be_a_result(result: object, text: str) -> None:
    assert toolhost.as_text(result) == text


def test_a_tool_that_nobody_stops_ends_by_itself(tmp_path: Path) -> None:
    tool = tmp_path / "tool.py"
    pid_file = tmp_path / "pid"
    tool.write_text(
        "import os, time\n"
        "def t():\n"
        f"    open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(1000)\n"
    )
    call = (
        f'{{"path": "{tool}", "function": "t", "arguments": {{}}, "packages": "/",'
        ' "seconds": 1, "characters": 10}'
    )
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as answer:
        host = subprocess.Popen(
            [sys.executable, "-I", toolhost.__file__, str(writing)],
            stdin=subprocess.PIPE,
            pass_fds=(writing,),
        )
        os.close(writing)
        host.communicate(call.encode(), timeout=60)
        assert answer.read() == b""
    assert host.returncode == -signal.SIGALRM
    assert int(pid_file.read_text()) == host.pid
