from __future__ import annotations

import os
import subprocess
import sys

import pytest

from appliance import __version__
from appliance.cli.main import build_parser, main
from tests.helpers.server import ROOT

COMMANDS = ("serve", "chat", "models", "watchdog", "bench", "doctor")


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS), ["models", "rm"]])
def test_help_teaches(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        build_parser().parse_args([*words, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: luna")
    if words and words[0] in COMMANDS and len(words) == 1:
        assert f"Examples:\n  luna {words[0]}" in shown


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"luna {__version__}\n"


def test_our_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "--url", "http://localhost:nowhere", "--once", "x"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("luna: ")
    assert shown.err.count("\n") == 1


def test_a_reader_that_has_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "appliance.cli.main", "models"]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
