from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LUNA_DATA", str(tmp_path / "data"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["keys", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_life_of_a_key(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "for everybody" in run(capsys, "list")[1]
    status, secret, told = run(capsys, "add", "phone")
    assert status == 0
    assert re.fullmatch(r"luna_[A-Za-z0-9_-]{43}\n", secret)
    assert "not shown again" in told
    assert "only to those who have a key" in told
    status, shown, _ = run(capsys, "list")
    heads, row = shown.splitlines()
    assert heads.split() == ["NAME", "SCOPE", "MADE"]
    assert re.fullmatch(r"phone +inference +20\d\d-\d\d-\d\d \d\d:\d\d UTC", row)
    assert "everybody now" in run(capsys, "revoke", "phone")[1]
    assert "phone" not in run(capsys, "list")[1]
    kept = b"".join(file.read_bytes() for file in (home / "data").iterdir())
    assert secret.strip().encode() not in kept


def test_a_key_to_administer_closes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, told = run(capsys, "add", "owner", "--scope", "admin")
    assert "only to those" not in told
    assert "for everybody" in run(capsys, "list")[1]


def test_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "add", "Anna's phone")[0] == 1
    assert run(capsys, "add", "")[0] == 1
    assert run(capsys, "add", "a" * 65)[0] == 1
    assert run(capsys, "add", "my phone")[0] == 0
    status, out, told = run(capsys, "add", "my phone")
    assert (status, out) == (1, "")
    assert "'my phone' already" in told
    status, _, told = run(capsys, "revoke", "tablet")
    assert status == 1
    assert "luna keys list" in told


def test_words_that_there_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("nothing",), ("add",), ("add", "x", "--scope", "all")):
        with pytest.raises(SystemExit) as caught:
            main(["keys", *words])
        assert caught.value.code == 2
