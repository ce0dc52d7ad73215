"""The watchdog as a process, beside a server that hangs."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.watchdog import ledger
from appliance.watchdog.__main__ import main
from tests.appliance.watchdog.api import api
from tests.appliance.watchdog.board import Board
from tests.helpers.server import ROOT, clean_environment
from tests.helpers.wire import eventually

HUNG = {"model": "qwen", "device": "npu", "running": 1, "last_token_age_s": 60.0}


def test_it_helps_remembers_and_stops(tmp_path: Path) -> None:
    board = Board(tmp_path / "root")
    board.load(0, 100, 0)
    settings = tmp_path / "luna.toml"
    settings.write_text("[watchdog]\ninterval_seconds = 0.05\n")
    command = [sys.executable, "-m", "appliance.cli.main", "watchdog", f"--root={board.root}"]
    command += [f"--config={settings}", f"--data-dir={tmp_path / 'data'}"]
    environ = clean_environment(tmp_path)
    with api() as running, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        running.engines = [HUNG]
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        process = subprocess.Popen([*command, f"--url={running.url}"], cwd=ROOT, env=environ)
        try:
            told = [systemd.recv(100) for _ in range(3)]
            assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            eventually(lambda: running.asked, "help")
            assert running.asked == [("/luna/engines/abort", {"model": "qwen"})]
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
    known = ledger.read(tmp_path / "data/watchdog")
    assert known is not None
    assert known.counts == {"npu_hung": 1, "abort": 1}
    assert known.boot == "0b3c5a52-7f0e-4c63-9b9b-1c1a5b0d9d11"


def test_one_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = Board(tmp_path / "root")
    board.say("job timeout, flags: 0x0:")
    with api() as running:
        running.engines = [HUNG]
        options = [f"--root={board.root}", f"--data-dir={tmp_path}", f"--url={running.url}"]
        assert main(["--once", *options]) == 0
        assert running.asked == []
    shown = capsys.readouterr().out
    assert "qwen on the NPU, in an unknown state, 1 running, silent for 60 s" in shown
    assert "0 %, 0 %, 0 % busy, 1000 MHz, driver 0.9.8" in shown
    assert "of the NPU's driver: timeout" in shown
    assert "npu-thermal 46 °C" in shown or "npu-thermal 45 °C" in shown
    assert "possible" in shown
    assert not (tmp_path / "watchdog").exists()


def test_one_look_at_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with api() as running:
        gone = running.url
    assert main(["--once", f"--root={tmp_path}", f"--data-dir={tmp_path}", f"--url={gone}"]) == 0
    shown = capsys.readouterr().out
    assert "start it, or name another with --url" in shown
    assert "CAP_SYSLOG" in shown
    assert "This machine has no NPU" in shown


def test_a_wrong_setting_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--once", "--url=nonsense", f"--data-dir={tmp_path}"]) == 1
    assert capsys.readouterr().err.startswith("luna: watchdog.url is 'nonsense'")


def test_it_imports_nothing_of_the_server() -> None:
    code = "import sys, appliance.watchdog.__main__; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "appliance.watchdog.policy" in loaded
    heavy = ("appliance.http", "appliance.serving", "appliance.engines", "bottle", "cheroot")
    assert [name for name in loaded if name.startswith(heavy)] == []
