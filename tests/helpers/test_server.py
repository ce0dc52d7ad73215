from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.server import RunningLuna, clean_environment, tiny_model

pytestmark = pytest.mark.needs("engine")


def test_it_serves_the_tiny_model_and_stops(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        luna.wait_loaded()
        assert luna.get("/v1/models")["data"][0]["id"] == "tiny"
    assert luna.stop() == 0
    assert "Luna stops" in luna.log


def test_it_can_be_killed(tmp_path: Path) -> None:
    luna = RunningLuna(tmp_path)
    luna.kill()
    assert luna.stop() == -9


def test_settings_reach_it(tmp_path: Path) -> None:
    with RunningLuna(tmp_path, settings="[cpu_engine]\nslots = 3\n") as luna:
        luna.wait_loaded()
        assert luna.get("/health")["slots_idle"] == 3


def test_a_server_that_cannot_start_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no_such_setting"):
        RunningLuna(tmp_path, settings="no_such_setting = 1\n")


def test_the_tiny_model_is_made_once() -> None:
    assert tiny_model() is tiny_model()


def test_settings_of_the_shell_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_SERVER_PORT", "1")
    environ = clean_environment(tmp_path, {"LUNA_X": "2"})
    assert "LUNA_SERVER_PORT" not in environ
    assert environ["LUNA_X"] == "2"
