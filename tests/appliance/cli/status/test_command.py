from __future__ import annotations

import io
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.cli.status.command import watch
from appliance.cli.status.facts import Facts
from appliance.cli.status.lamp import Lamp
from appliance.system.addresses import Place
from appliance.system.ending import Ending


def test_it_is_printed_once_and_plain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", "http://127.0.0.1:9"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Luna  ")
    assert "The server does not answer" in out
    assert "\x1b" not in out


def test_a_screen_is_written_to_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.cli.status.command._EVERY", 0.0)
    out, stop = io.StringIO(), Ending()
    looks = [Facts("luna-cafe")] * 3 + [Facts("luna-cafe", (Place("eth0", "192.0.2.7"),))] * 2

    def looking() -> Facts:
        facts = looks.pop(0)
        if not looks:
            stop.set()
        return facts

    watch(looking, out, stop, Lamp(tmp_path))
    assert out.getvalue().count("\x1b[H") == 2
    assert "192.0.2.7" in out.getvalue().rpartition("\x1b[H")[2]
    assert out.getvalue().endswith("\x1b[?25h"), "the cursor is shown again"


def test_the_cursor_comes_back_whatever_happens(tmp_path: Path) -> None:
    def looking() -> Facts:
        raise KeyboardInterrupt

    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        watch(looking, out, Ending(), Lamp(tmp_path))
    assert out.getvalue().endswith("\x1b[?25h")
