from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.cli.main import main as luna


def test_the_options_reach_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def execv(program: str, words: list[str]) -> None:
        seen.append(words)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "execv", execv)
    words = ["--once", f"--data-dir={tmp_path}", "--config=a.toml", "--url=http://x", "--verbose"]
    assert luna(["watchdog", *words]) == 130
    (given,) = seen
    assert given[1:3] == ["-m", "appliance.watchdog"]
    assert set(words) | {"--root=/"} == set(given[3:])
