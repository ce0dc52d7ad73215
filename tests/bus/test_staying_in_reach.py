"""Power cuts, routers, radios, restarts of NetworkManager, a lost bus: the box comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.system.bus import BusLost, CallFailed
from provisioning.situation import Limits, State
from tests.bus.daemon import Daemon
from tests.bus.fake_nm.air import WPA2, Base
from tests.bus.house import SETUP, House, house, play

pytestmark = pytest.mark.needs("dbus-daemon")
SECRET = b"correct horse"
BOUND = Limits().bound


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


def test_a_fresh_box_has_its_setup_network_in_some_seconds(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            assert await box.until_hosting() < 10
            profile = next(each for each in box.nm.settings.profiles.values() if each.is_host)
            assert profile.settings["802-11-wireless"]["ssid"] == SETUP.ssid
            assert profile.settings["802-11-wireless"]["channel"] in (1, 6, 11)
            assert profile.settings["802-11-wireless-security"] == {
                "key-mgmt": "wpa-psk",
                "psk": SETUP.passphrase,
                "pmf": 1,
                "proto": ["rsn"],
                "pairwise": ["ccmp"],
                "group": ["ccmp"],
            }
            assert profile.settings["ipv4"]["method"] == "shared"
            assert box.saved == []
            shown = await box.read("Hotspot")
            assert (shown["up"], shown["open"], shown["ssid"]) == (True, False, SETUP.ssid)
            assert shown["address"] == "10.42.0.1/24"

    play(scenario())


def test_the_setup_network_avoids_its_neighbours(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            for number, mhz in enumerate((2412, 2437, 2437)):
                address = f"02:00:00:00:10:{number:02}"
                box.nm.air.add(Base(b"n", frequency=mhz, address=address))
            await box.switch_on()
            await box.until_hosting()
            profile = next(each for each in box.nm.settings.profiles.values() if each.is_host)
            assert profile.settings["802-11-wireless"]["channel"] == 11

    play(scenario())


def test_networks_are_listed_while_the_radio_is_an_access_point(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            box.nm.faults.scan_refused_as_host = True
            box.nm.air.add(Base(b"home", strength=70))
            box.nm.air.add(Base(b"home", strength=40, address="02:00:00:00:10:02"))
            box.nm.air.add(Base(b"far", strength=10, address="02:00:00:00:10:03"))
            await box.switch_on()
            await box.until_hosting()
            await box.clock.sleep(60)
            listed = await box.ask("Scan")
            assert [(each["ssid"], each["strength"]) for each in listed] == [
                (b"home", 70),
                (b"far", 10),
            ]
            assert listed[0]["security"] == "wpa-psk"
            assert 55 < listed[0]["age"] < 75

    play(scenario())


def test_a_power_cut_and_a_router_that_boots_slower(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            home = Base(b"home", secret="correct horse")
            await box.switch_on(home)
            box.clock.call_later(30, lambda: box.nm.air.add(home))
            box.clock.call_later(30.1, box.nm.wake)
            await box.until_state(State.ONLINE, 45)
            assert State.HOTSPOT not in box.states

    play(scenario())


def test_a_router_that_is_away_for_long(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            home = box.nm.air.add(Base(b"home", secret="correct horse"))
            await box.switch_on(home)
            await box.until_state(State.ONLINE)
            box.nm.air.remove(home)
            box.nm.lose()
            assert await box.until_hosting() < BOUND
            box.nm.air.add(home)
            box.guests = 1
            await box.clock.sleep(900)
            assert box.hosting, "nobody is thrown off"
            box.guests = 0
            await box.until_state(State.ONLINE, 400)
            assert not box.hosting

    play(scenario())


def test_a_box_that_has_moved_house(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            box.nm.air.add(Base(b"new home", secret="correct horse"))
            await box.switch_on(Base(b"old home", secret="battery staple"))
            assert await box.until_hosting() < BOUND
            assert (await box.join(b"new home", SECRET))["outcome"] == "connected"
            assert len(await box.ask("Known")) == 2
            assert await box.ask("Forget", "ay", b"old home") == 1
            (known,) = await box.ask("Known")
            assert known["ssid"] == b"new home"

    play(scenario())


def test_a_cable_needs_no_setup_network_unless_it_leads_nowhere(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            await box.until_hosting()
            box.nm.cable.plug(gateway="")
            await box.clock.sleep(30)
            assert box.hosting
            box.nm.cable.plug()
            await box.until(lambda: not box.hosting, 10)
            assert box.service.model.state is State.WIRED
            box.nm.cable.unplug()
            assert await box.until_hosting() < BOUND

    play(scenario())


@pytest.mark.parametrize("state", ["booting", "hotspot", "joining", "online", "retrying", "lost"])
def test_network_manager_restarts_in_every_state(
    daemon: Daemon, tmp_path: Path, state: str
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            home = Base(b"home", secret="correct horse")
            await reach(box, State(state), home)
            await box.restart_nm(after=3.0)
            if state in ("online", "joining"):
                await box.until_state(State.ONLINE, BOUND)
            else:
                assert await box.until_hosting() < BOUND
            if state == "joining":
                assert (await box.read("Result"))["outcome"] == "unavailable"

    play(scenario())


async def reach(box: House, state: State, home: Base) -> None:
    """Bring the box into a state."""
    if state in (State.ONLINE, State.LOST, State.JOINING):
        box.nm.air.add(home)
    await box.switch_on(home)
    if state is State.JOINING:
        await box.until_state(State.ONLINE)
        await box.ask("Join", "ayaya{sv}", b"other", SECRET, {})
    elif state is State.LOST:
        await box.until_state(State.ONLINE)
        box.nm.air.remove(home)
        box.nm.lose()
    elif state is State.RETRYING:
        await box.until_hosting()
    await box.until_state(state, 500)


def test_a_network_manager_that_comes_late(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            await box.start_service()
            await box.until_state(State.WAITING)
            with pytest.raises(CallFailed, match="still starting"):
                await box.ask("Join", "ayaya{sv}", b"home", SECRET, {})
            await box.clock.sleep(120)
            box.clock.attach(await box.nm.start())
            assert await box.until_hosting() < 15

    play(scenario())


def test_a_radio_that_comes_late(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, radios=0) as box:
            await box.until_state(State.WAITING)
            with pytest.raises(CallFailed, match="plug one in"):
                await box.ask("Scan")
            with pytest.raises(CallFailed, match="network of its own"):
                await box.ask("StartHotspot")
            assert (await box.join(b"home", SECRET))["outcome"] == "unavailable"
            box.nm.plug_radio()
            assert await box.until_hosting() < 15

    play(scenario())


def test_a_setup_network_that_dies_comes_back(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.faults.host_dies_after = 60.0
            await box.until_hosting()
            for _ in range(3):
                await box.until(lambda: not box.hosting, 70)
                assert await box.until_hosting() < 15

    play(scenario())


def test_a_radio_that_refuses_a_passphrase_gets_an_open_network_for_a_while(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            box.nm.faults.hosting_protected_fails = True
            await box.switch_on()
            assert await box.until_hosting() < BOUND
            assert (await box.read("Hotspot"))["open"] is True
            await box.clock.sleep(box.limits.window - 120)
            assert box.hosting
            await box.until_state(State.CLOSED, 150)
            assert not box.hosting
            await box.ask("StartHotspot")
            await box.until_hosting()

    play(scenario())


def test_permissions_that_are_missing_are_told_by_name(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            box.nm.air.add(Base(b"home", WPA2, "correct horse"))
            box.nm.faults.denied = {"network-control", "wifi.share.protected"}
            await box.switch_on()
            problems = await box.read("Problems")
            assert len(problems) == 2
            assert "network-control" in problems[0]
            ended = await box.join(b"home", SECRET)
            assert ended["outcome"] == "unavailable"
            assert "polkit" in ended["message"]

    play(scenario())


def test_a_network_manager_that_hangs_blocks_nothing_for_ever(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            box.call_seconds = 0.3  # of real time
            box.nm.air.add(Base(b"home", WPA2, "correct horse"))
            await box.switch_on()
            await box.until_hosting()
            box.nm.faults.silent = {"AddAndActivateConnection2"}
            ended = await box.join(b"home", SECRET)
            assert ended["outcome"] in ("unavailable", "timed_out")
            box.nm.faults.silent = set()
            await box.until_hosting()

    play(scenario())


def test_a_refusal_in_passing_changes_nothing(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(b"home", WPA2, "correct horse"))
            await box.until_hosting()
            number = await box.ask("Join", "ayaya{sv}", b"home", SECRET, {})
            box.nm.faults.confused = 2
            await box.until(lambda: not box.nm.faults.confused)
            await box.until(lambda: box.number_done() == number)
            assert (await box.read("Result"))["outcome"] == "connected"
            await box.until_state(State.ONLINE)
            box.nm.faults.confused = 2
            await box.until(lambda: not box.nm.faults.confused)
            await box.clock.sleep(5)
            assert box.states[-2:] == [State.JOINING, State.ONLINE]
            box.nm.faults.confused = 1000  # nor does a lasting one stay unseen
            await box.until_state(State.WAITING)

    play(scenario())


def test_the_setup_network_dies_with_the_service(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            await box.until_hosting()
            await box.stop_service()
            await box.until(lambda: not box.hosting, 10)
            await box.start_service()
            await box.until_hosting()

    play(scenario())


def test_a_bus_that_dies_in_a_join_ends_the_service_and_a_new_one_recovers(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            home = box.nm.air.add(Base(b"home", WPA2, "correct horse"))
            await box.until_hosting()
            await box.ask("Join", "ayaya{sv}", b"home", SECRET, {})
            await box.clock.sleep(4.0)
            daemon.stop()
            with pytest.raises(BusLost):
                await box.ask("Scan")
            assert box.running is not None
            await box.running  # it ends by itself, without an error
            await box.nm.stop()
            await box.stop_service()
            daemon.start()
            await box.switch_on()
            await box.until_hosting()
            assert (await box.join(home.ssid, SECRET))["outcome"] == "connected"

    play(scenario())


def test_the_interface_for_others(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            await box.ask("SetCountry", "s", "DE")
            assert await box.read("Country") == "DE"
            assert box.countries == ["DE"]
            assert (tmp_path / "country").read_text() == "DE\n"
            for bad in ("de", "Germany", ""):
                with pytest.raises(CallFailed, match="ISO 3166"):
                    await box.ask("SetCountry", "s", bad)
            await box.ask("Remember", "ayaya{sv}", b"cottage", SECRET, {})
            assert [each["ssid"] for each in await box.ask("Known")] == [b"cottage"]
            assert len(box.saved) == 1
            assert await box.ask("Forget", "ay", b"nothing") == 0
            await box.until_hosting()
            await box.ask("StopHotspot")
            await box.until(lambda: not box.hosting, 10)
            assert await box.read("State") == "lost"
            assert await box.read("Result") == {}
            assert await box.read("Joining") == 0

    play(scenario())


def test_changes_are_told(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            told: list[dict[str, object]] = []
            box.nm.air.add(Base(b"home", WPA2, "correct horse"))
            await box.switch_on()
            await box.client.watch(
                "org.luna.Provisioning1",
                "/org/luna",
                lambda signal: told.append(signal.body[1]),
            )
            await box.until_hosting()
            await box.join(b"home", SECRET)
            await box.until(lambda: any("Result" in each for each in told))
            assert [each["State"] for each in told if "State" in each] == ["joining", "online"]
            (result,) = [each["Result"] for each in told if "Result" in each]
            assert isinstance(result, dict)
            assert result["outcome"] == "connected"

    play(scenario())
