from __future__ import annotations

import logging
from pathlib import Path

import pytest

from appliance.performance.keeper import Keeper
from appliance.system.ending import Ending

NPU = "sys/class/devfreq/fdab0000.npu/governor"
MEMORY = "sys/class/devfreq/dmc/governor"
CPU = "sys/devices/system/cpu/cpufreq/policy4/scaling_governor"
BEFORE = {NPU: "rknpu_ondemand", MEMORY: "dmc_ondemand", CPU: "schedutil"}


class Board:
    """Files like those of a board."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for file, now in BEFORE.items():
            path = root / file
            path.parent.mkdir(parents=True)
            path.write_text(f"{now}\n")
            choices = "scaling_available_governors" if "cpufreq" in file else "available_governors"
            (path.parent / choices).write_text(f"{now} userspace performance\n")
        self.zone = root / "sys/class/thermal/thermal_zone0"
        self.zone.mkdir(parents=True)
        (self.zone / "type").write_text("soc-thermal\n")
        self.heat(45)

    def heat(self, celsius: int) -> None:
        (self.zone / "temp").write_text(f"{celsius * 1000}\n")

    @property
    def governors(self) -> dict[str, str]:
        return {file: (self.root / file).read_text().strip() for file in BEFORE}


ALL_PINNED = dict.fromkeys(BEFORE, "performance")


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path / "board")


def test_clocks_are_pinned_and_given_back_with_the_heat(board: Board, tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, board.root)
    keeper.step()
    assert board.governors == ALL_PINNED
    board.heat(75)
    keeper.step()
    assert board.governors == BEFORE
    board.heat(68)
    keeper.step()
    assert board.governors == BEFORE, "not cool yet"
    board.heat(50)
    keeper.step()
    assert board.governors == ALL_PINNED


def test_all_is_as_before_when_it_ends(board: Board, tmp_path: Path) -> None:
    stop = Ending()
    stop.set()
    Keeper(tmp_path, board.root).run(stop, 1.0)
    assert board.governors == BEFORE


def test_who_is_killed_is_followed_by_who_knows_what_was_before(
    board: Board, tmp_path: Path
) -> None:
    Keeper(tmp_path, board.root).step()
    Keeper(tmp_path, board.root).give_back()
    assert board.governors == BEFORE


def test_what_the_owner_chose_is_left_alone(board: Board, tmp_path: Path) -> None:
    (board.root / CPU).write_text("performance\n")
    stop = Ending()
    stop.set()
    Keeper(tmp_path, board.root).run(stop, 1.0)
    assert board.governors == BEFORE | {CPU: "performance"}


def test_what_cannot_be_set_is_said_once(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, text: str, encoding: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    keeper = Keeper(tmp_path, board.root)
    with caplog.at_level(logging.WARNING):
        keeper.step()
        keeper.step()
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == len(BEFORE)


def test_a_machine_without_any_is_left_alone(tmp_path: Path) -> None:
    Keeper(tmp_path, tmp_path / "pc").step()
    assert not list(tmp_path.iterdir())
