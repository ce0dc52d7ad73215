"""The whole watchdog, over real files and real HTTP; only time and systemd are the test's."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.errors import Retryable
from appliance.system.rknpu import Rknpu
from appliance.watchdog import ledger
from appliance.watchdog.chronicle import Chronicle
from appliance.watchdog.eyes import Eyes
from appliance.watchdog.hands import Hands
from appliance.watchdog.ledger import Ledger
from appliance.watchdog.limits import Limits
from appliance.watchdog.policy import Policy
from appliance.watchdog.server import Server
from appliance.watchdog.watchdog import Watchdog
from tests.appliance.watchdog.api import Api, api
from tests.appliance.watchdog.board import Board

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@dataclass
class Systemd:
    """Notes what is asked of it; `broken` refuses."""

    asked: list[str] = field(default_factory=list)
    broken: bool = False

    async def restart(self, unit: str) -> None:
        self._note(f"restart {unit}")

    async def reboot(self) -> None:
        self._note("reboot")

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.broken:
            raise Retryable("Not today.")


@dataclass
class House:
    """A board, a server, systemd, and a watchdog that looks when told to."""

    folder: Path
    api: Api
    limits: Limits = field(default_factory=Limits)
    at: float = 100.0
    known: Ledger = field(default_factory=lambda: Ledger("b"))
    systemd: Systemd = field(default_factory=Systemd)
    resets: list[bytes] = field(default_factory=list)
    ticks: int = 0

    def __post_init__(self) -> None:
        self.board = Board(self.folder / "root")
        npu = Rknpu(self.board.root, ioctl=lambda fd, request, data: self.resets.append(data))
        server = Server(self.api.url)
        self.eyes = Eyes(server, npu, self.board.root, clock=lambda: self.at)
        self.chronicle = Chronicle(self.known)
        self.watchdog = Watchdog(
            self.eyes,
            Policy(self.limits, self.known.reboot_from, self.known.share),
            Hands(server, npu, self.systemd, "luna-api.service"),
            self.chronicle,
            self.folder / "state",
            tick=self._tick,
            now=lambda: NOW,
        )

    def _tick(self) -> None:
        self.ticks += 1

    async def live(self, seconds: float, silent: float | None = None) -> None:
        """Some time passes; the model `qwen` has been silent since the beginning, or is idle."""
        end, begin = self.at + seconds, self.at
        while self.at < end:
            self.at += 2
            age = None if silent is None else silent + self.at - begin
            row = {"model": "qwen", "device": "npu", "pid": 5, "state": "loaded"}
            self.api.engines = [{**row, "running": int(age is not None), "last_token_age_s": age}]
            await self.watchdog.step()

    @property
    def asked(self) -> list[str]:
        return [path.removeprefix("/luna/engines/") for path, _ in self.api.asked]

    @property
    def saved(self) -> Ledger:
        saved = ledger.read(self.folder / "state")
        assert saved is not None
        return saved


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with api() as running:
        house = House(tmp_path, running)
        yield house
        house.eyes.close()


def test_a_hung_npu_from_the_first_sign_to_the_reboot(house: House) -> None:
    house.board.load(100, 0, 0)
    asyncio.run(house.live(140, silent=0))
    assert house.asked == ["abort", "restart"]
    assert house.api.asked[0] == ("/luna/engines/abort", {"model": "qwen"})
    assert house.systemd.asked == ["restart luna-api.service", "reboot"]
    assert house.resets == [struct.pack("=II", 6, 0)]
    (incident,) = house.saved.incidents
    assert incident.steps == ("abort", "restart_engine", "restart_server", "reset_npu", "reboot")
    assert incident.uptime_s <= 124
    assert house.saved.reboot_from > 3600


def test_what_was_rebooted_is_not_rebooted_again_for_an_hour(tmp_path: Path) -> None:
    before = Ledger("old boot", reboot_from=5000.0)
    with api() as running:
        house = House(tmp_path, running, at=10.0, known=before.in_boot("b", 3600.0))
        house.board.load(100, 0, 0)
        asyncio.run(house.live(3500, silent=0))
        assert "reboot" not in house.systemd.asked
        asyncio.run(house.live(1200, silent=0))
        assert house.systemd.asked.count("reboot") == 1
        house.eyes.close()


def test_a_run_that_ends_after_the_abort_is_all(house: House) -> None:
    house.board.load(100, 0, 0)
    asyncio.run(house.live(24, silent=0))
    house.board.load(0, 0, 0)
    asyncio.run(house.live(100))
    assert house.asked == ["abort"]
    assert house.systemd.asked == []
    (incident,) = house.saved.incidents
    assert incident.lasted_s is not None
    assert house.saved.state == "well"


def test_a_job_that_the_driver_gave_up(house: House) -> None:
    asyncio.run(house.live(2, silent=0))
    house.board.say("failed to wait job, task counter: 0, flags: 0x5, ret = 0, elapsed time: 18us")
    asyncio.run(house.live(22, silent=2))
    assert house.asked == ["abort"]


def test_heat_takes_clock(house: House) -> None:
    house.board.warm(88)
    asyncio.run(house.live(2))
    assert house.board.limit() == 600
    assert house.saved.share == 0.6
    house.board.warm(60)
    asyncio.run(house.live(2))
    assert house.board.limit() == 1000
    assert house.saved.counts == {"hot": 1, "limit_clock": 2}


def test_steps_that_fail_are_told_and_the_next_follows(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.systemd.broken = True
    house.board.load(100, 0, 0)
    asyncio.run(house.live(140, silent=0))
    assert house.systemd.asked == ["restart luna-api.service", "reboot"]
    assert "restart_server qwen failed: Not today." in caplog.text
    assert "reboot qwen failed: Not today." in caplog.text


def test_without_memory_there_is_no_reboot(house: House, caplog: pytest.LogCaptureFixture) -> None:
    (house.folder / "state").write_text("in the way")
    house.board.load(100, 0, 0)
    asyncio.run(house.live(140, silent=0))
    assert house.systemd.asked == ["restart luna-api.service"]
    assert "no reboot" in caplog.text
    assert caplog.text.count("cannot be saved") == 1


def test_nothing_is_written_while_nothing_happens(house: House) -> None:
    asyncio.run(house.live(4))
    file = house.folder / "state" / ledger.FILE
    before = file.stat().st_mtime_ns
    asyncio.run(house.live(100))
    assert file.stat().st_mtime_ns == before
    assert house.ticks == 52


def test_canaries_that_fail_restart_their_engine(tmp_path: Path) -> None:
    with api() as running:
        house = House(tmp_path, running, Limits(canary=60.0))
        running.refused["/v1/chat/completions"] = 500

        async def story() -> None:
            while "restart" not in house.asked:
                await house.live(2)

        asyncio.run(asyncio.wait_for(story(), 30))
        assert house.asked[:2] == ["/v1/chat/completions"] * 2
        assert house.saved.counts == {"canary_failed": 1, "restart_engine": 1}
        house.eyes.close()


def test_it_runs_until_it_is_stopped(house: House) -> None:
    async def story() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(house.watchdog.run(stop, 0.01))
        while house.ticks < 3:
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.wait_for(running, 30)

    asyncio.run(story())
