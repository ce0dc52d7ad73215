"""Joining against NetworkManager 1.42, 1.52 and 1.58, with everything that goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.system.bus import CallFailed
from provisioning.situation import State
from tests.bus.daemon import Daemon
from tests.bus.fake_nm.air import (
    ENHANCED_OPEN,
    ENTERPRISE,
    OPEN,
    TRANSITION,
    WEP,
    WPA2,
    WPA3,
    Base,
)
from tests.bus.house import house, play

pytestmark = pytest.mark.needs("dbus-daemon")
GOOD_JOIN, BAD_PASSWORD = 15.0, 40.0  # seconds that a person may have to wait
HOME, SECRET = "Café 🌙 'x\",\\".encode(), "correct horse"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


@pytest.mark.parametrize("version", [42, 52])
@pytest.mark.parametrize(
    ("flags", "management"),
    [(WPA2, "wpa-psk"), (TRANSITION, "wpa-psk"), (WPA3, "sae")],
)
def test_a_good_join(
    daemon: Daemon, tmp_path: Path, version: int, flags: tuple[int, int, int], management: str
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, version=version) as box:
            box.nm.air.add(Base(HOME, flags, SECRET))
            await box.until_hosting()
            ended = await box.join(HOME, SECRET.encode())
            assert (ended["outcome"], ended["ssid"]) == ("connected", HOME)
            assert ended["addresses"] == ["192.168.7.42/24"]
            assert ended["seconds"] < GOOD_JOIN
            await box.until_state(State.ONLINE)
            (profile,) = box.saved
            assert profile["802-11-wireless"]["ssid"] == HOME
            assert profile["802-11-wireless"]["hidden"] is False
            security = profile["802-11-wireless-security"]
            assert security == {"key-mgmt": management, "psk": SECRET}
            assert not box.hosting

    play(scenario())


@pytest.mark.parametrize("flags", [OPEN, ENHANCED_OPEN])
def test_networks_without_a_password(
    daemon: Daemon, tmp_path: Path, flags: tuple[int, int, int]
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(b"cafe", flags))
            assert (await box.join(b"cafe"))["outcome"] == "connected"
            section = box.saved[0].get("802-11-wireless-security", {})
            assert section == ({} if flags == OPEN else {"key-mgmt": "owe"})

    play(scenario())


@pytest.mark.parametrize("ssid", [b"\xff\xfe\x80", b"x" * 32, b"a\0b", "漢字".encode(), b" a "])
def test_any_name_of_up_to_32_bytes(daemon: Daemon, tmp_path: Path, ssid: bytes) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(ssid, secret="pässwörd 🌙"))
            await box.ask("Scan")
            (listed,) = await box.ask("Networks")
            assert listed["ssid"] == ssid
            assert (await box.join(ssid, "pässwörd 🌙".encode()))["outcome"] == "connected"
            (known,) = await box.ask("Known")
            assert known["ssid"] == ssid

    play(scenario())


@pytest.mark.parametrize("version", [42, 52, 58])
@pytest.mark.parametrize("flags", [WPA2, WPA3, TRANSITION])
def test_a_wrong_password_is_told_while_the_person_waits(
    daemon: Daemon, tmp_path: Path, version: int, flags: tuple[int, int, int]
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, version=version) as box:
            box.nm.air.add(Base(HOME, flags, SECRET))
            await box.until_hosting()
            begin = box.clock.now()
            ended = await box.join(HOME, b"wrong horse")
            assert ended["outcome"] == "wrong_password"
            assert "probably" in ended["message"]
            assert "wrong horse" not in ended["message"]
            await box.until_hosting()
            assert box.clock.now() - begin < BAD_PASSWORD, "with the portal back"
            assert box.saved == []
            left = [each for each in box.nm.settings.profiles.values() if not each.is_host]
            assert left == []
            # And the right one, on the second try.
            assert (await box.join(HOME, SECRET.encode()))["outcome"] == "connected"

    play(scenario())


@pytest.mark.parametrize("version", [42, 52, 58])
def test_transition_mode_that_fails_is_joined_as_plain_wpa2(
    daemon: Daemon, tmp_path: Path, version: int
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, version=version) as box:
            box.nm.air.add(Base(HOME, TRANSITION, SECRET, sae_works=False))
            ended = await box.join(HOME, SECRET.encode())
            if version == 52:  # which insists on WPA3
                assert ended["outcome"] == "wrong_password"
                assert ended["seconds"] < BAD_PASSWORD
                return
            assert ended["outcome"] == "connected"
            assert box.saved[0]["802-11-wireless-security"]["pmf"] == 1
            assert len(box.saved) == 1

    play(scenario())


def test_a_key_is_no_use_where_networkmanager_insists_on_wpa3(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, version=52) as box:
            box.nm.air.add(Base(HOME, TRANSITION, SECRET, sae_works=False))
            ended = await box.join(HOME, b"0123456789abcdef" * 4)
            assert ended["outcome"] == "mismatch"
            assert "itself" in ended["message"]

    play(scenario())


@pytest.mark.parametrize(("times", "outcome"), [(1, "connected"), (2, "timed_out")])
def test_whoever_was_let_in_and_thrown_out_has_the_right_password(
    daemon: Daemon, tmp_path: Path, times: int, outcome: str
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(HOME, WPA2, SECRET, throws_out=times))
            ended = await box.join(HOME, SECRET.encode())
            assert ended["outcome"] == outcome
            assert len(box.saved) == (outcome == "connected")

    play(scenario())


def test_a_hidden_network_is_called_by_its_name(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(HOME, WPA3, SECRET, hidden=True))
            assert (await box.join(HOME, SECRET.encode()))["outcome"] == "not_in_range"
            ended = await box.join(HOME, SECRET.encode(), hidden=True)
            assert ended["outcome"] == "connected"
            assert box.saved[0]["802-11-wireless"]["hidden"] is True
            assert box.saved[0]["802-11-wireless-security"]["key-mgmt"] == "sae"

    play(scenario())


def test_a_hidden_network_that_answers_no_scan_is_tried_as_told(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.faults.scan_never_ends = True
            box.nm.air.add(Base(HOME, WPA3, SECRET, hidden=True))
            ended = await box.join(HOME, SECRET.encode(), hidden=True, security="sae")
            assert ended["outcome"] == "connected"

    play(scenario())


def test_enterprise(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(b"uni", ENTERPRISE, "pw", identity="ann@uni"))
            ended = await box.join(b"uni", b"other", identity="ann@uni")
            assert ended["outcome"] == "wrong_password"
            options = {"identity": "ann@uni", "method": "ttls", "domain": "uni.example"}
            ended = await box.join(b"uni", b"pw", anonymous="anonymous@uni", **options)
            assert ended["outcome"] == "connected"
            section = box.saved[0]["802-1x"]
            assert section["eap"] == ["ttls"]
            assert section["phase2-auth"] == "pap"
            assert section["system-ca-certs"] is True

    play(scenario())


@pytest.mark.parametrize(
    ("base", "outcome", "words"),
    [
        (Base(b"net", WEP), "unsupported", "WPA2"),
        (Base(b"net", OPEN), "mismatch", "open"),
        (Base(b"net", ENTERPRISE), "mismatch", "user name"),
        (Base(b"net", dhcp=False), "no_address", "DHCP"),
        (Base(b"net", OPEN, admits=False), "refused", "allowed devices"),
        (Base(b"net", WPA2, admits=False), "refused", "allowed devices"),
        (Base(b"net", WPA3, admits=False), "wrong_password", "probably"),
        (Base(b"other"), "not_in_range", "cannot see"),
    ],
)
def test_what_went_wrong_is_said(
    daemon: Daemon, tmp_path: Path, base: Base, outcome: str, words: str
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(base)
            await box.until_hosting()
            needs_none = outcome == "refused" and not base.protected
            ended = await box.join(b"net", b"" if needs_none else SECRET.encode())
            assert ended["outcome"] == outcome
            assert words in ended["message"]
            assert box.saved == []
            await box.until_hosting(40)

    play(scenario())


@pytest.mark.parametrize(
    ("secret", "words"), [(b"", "needs a password"), (b"0123456789abcdef" * 4, "itself")]
)
def test_a_network_that_the_secret_does_not_fit(
    daemon: Daemon, tmp_path: Path, secret: bytes, words: str
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            box.nm.air.add(Base(HOME, WPA3))
            ended = await box.join(HOME, secret)
            assert ended["outcome"] == "mismatch"
            assert words in ended["message"]

    play(scenario())


def test_an_access_point_that_vanishes_between_scan_and_join(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            base = box.nm.air.add(Base(HOME, WPA2, SECRET))
            await box.until_hosting()
            base.leaves = True
            ended = await box.join(HOME, SECRET.encode())
            assert ended["outcome"] == "not_in_range"
            assert "AddAndActivateConnection2" in box.nm.calls
            await box.until_hosting()

    play(scenario())


def test_a_known_good_network_survives_a_failed_change(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            home = box.nm.air.add(Base(HOME, WPA2, SECRET))
            box.nm.air.add(Base(b"new", WPA2, SECRET, address="02:00:00:00:10:02"))
            await box.switch_on(home)
            await box.until_state(State.ONLINE)
            ended = await box.join(b"new", b"wrong horse")
            assert ended["outcome"] == "wrong_password"
            assert box.nm.in_use == HOME, "the way back was taken"
            assert State.HOTSPOT not in box.states
            # A typing error in the same network's password costs nothing either.
            ended = await box.join(HOME, b"wrong horse")
            assert ended["outcome"] == "wrong_password"
            assert len(box.saved) == 1
            assert box.saved[0]["802-11-wireless-security"]["psk"] == SECRET
            assert box.nm.in_use == HOME
            # A new password that works replaces the old profile.
            home.secret = "battery staple"
            assert (await box.join(HOME, b"battery staple"))["outcome"] == "connected"
            assert [each["802-11-wireless-security"]["psk"] for each in box.saved] == [
                "battery staple"
            ]
            assert not box.nm.checkpoints.there

    play(scenario())


def test_a_second_radio_keeps_the_setup_network_up(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, radios=2) as box:
            box.nm.air.add(Base(HOME, WPA2, SECRET))
            await box.until_hosting()
            box.guests = 1
            hosted = []
            box.service.on_change(lambda: hosted.append(box.hosting))
            assert (await box.join(HOME, SECRET.encode()))["outcome"] == "connected"
            assert all(hosted)
            await box.clock.sleep(30)
            assert box.hosting, "the phone reads the result"
            await box.until(lambda: not box.hosting, 60)
            assert box.service.model.state is State.ONLINE

    play(scenario())


def test_nothing_is_begun_with_what_can_never_work(daemon: Daemon, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path) as box:
            await box.until_hosting()
            for ssid, secret in ((b"x", b"short"), (b"", b"12345678")):
                with pytest.raises(CallFailed) as caught:
                    await box.ask("Join", "ayaya{sv}", ssid, secret, {})
                assert caught.value.name == "org.luna.Error.BadCredentials"
            assert box.hosting
            assert box.number_done() == 0

    play(scenario())


def test_a_join_that_is_cut_short_cleans_up_whatever_comes_next(
    daemon: Daemon, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with house(daemon, tmp_path, on=False) as box:
            home = box.nm.air.add(Base(HOME, WPA2, SECRET))
            box.nm.air.add(Base(b"new", dhcp=False, address="02:00:00:00:10:02"))
            await box.switch_on(home)
            await box.until_state(State.ONLINE)
            await box.ask("Join", "ayaya{sv}", b"new", SECRET.encode(), {})
            await box.until(lambda: box.nm.in_use == b"new")
            await box.clock.sleep(5)
            again: tuple[Any, ...] = ("Join", "ayaya{sv}", HOME, SECRET.encode(), {})
            _, number = await asyncio.gather(box.ask("StartHotspot"), box.ask(*again))
            assert (await box.read("Result"))["outcome"] == "cancelled"
            await box.until(lambda: box.number_done() == number)
            assert (await box.read("Result"))["outcome"] == "connected"
            assert [each.ssid for each in box.nm.settings.profiles.values()] == [HOME]
            assert not box.nm.checkpoints.there

    play(scenario())
