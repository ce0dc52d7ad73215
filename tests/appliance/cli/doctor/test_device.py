from __future__ import annotations

from pathlib import Path

from appliance.cli.doctor import device
from appliance.cli.doctor.check import Level
from appliance.system.bus import BusLost

UP = {"luna-api.service": "active", "luna-mdns.service": "active"}


def no_bus() -> dict[str, str]:
    raise BusLost("The message bus cannot be reached.")


def test_services_are_up_or_named_with_the_way_to_their_log() -> None:
    assert device.services(lambda: UP).level is Level.OK
    found = device.services(lambda: UP | {"luna-mdns.service": "failed"})
    assert found.level is Level.PROBLEM
    assert found.sentence == "luna-mdns.service is failed."
    assert "journalctl -b -u luna-mdns.service" in found.remedy


def test_who_is_missing_on_the_bus_is_named() -> None:
    everybody = dict.fromkeys(device._NAMES, "somebody")
    assert device.names(lambda: everybody).level is Level.OK
    found = device.names(lambda: everybody | {"org.freedesktop.NetworkManager": ""})
    assert (found.level, found.sentence) == (
        Level.PROBLEM,
        "Nobody is org.freedesktop.NetworkManager.",
    )
    assert "network-manager" in found.remedy


def test_without_a_bus_that_is_the_problem() -> None:
    for found in (device.services(no_bus), device.names(no_bus)):
        assert found.level is Level.PROBLEM
        assert "dbus.service" in found.remedy


def test_the_identity_is_there_or_not_yet_or_wrong(tmp_path: Path) -> None:
    assert device.identity(tmp_path).level is Level.WARNING
    file = tmp_path / "etc/luna/identity.toml"
    file.parent.mkdir(parents=True)
    file.write_text('id = "cafe0123"\n')
    assert device.identity(tmp_path).sentence == "This is luna-cafe."
    file.write_text("id = 5\n")
    assert device.identity(tmp_path).level is Level.PROBLEM


def test_time_comes_from_the_network(tmp_path: Path) -> None:
    assert device.time(tmp_path).level is Level.OK
    folder = tmp_path / "run/systemd/timesync"
    folder.mkdir(parents=True)
    assert device.time(tmp_path).level is Level.WARNING
    (folder / "synchronized").touch()
    assert device.time(tmp_path).level is Level.OK


def test_a_hardware_watchdog_is_seen(tmp_path: Path) -> None:
    assert device.watchdog(tmp_path).level is Level.WARNING
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/watchdog0").touch()
    assert device.watchdog(tmp_path).level is Level.OK


def test_only_a_device_has_these_checks(tmp_path: Path) -> None:
    assert list(device.checks(tmp_path)) == []
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    units = tmp_path / "lib/systemd/system"
    units.mkdir(parents=True)
    (units / "luna-api.service").touch()
    assert {check.name for check in device.checks(tmp_path)} >= {"services", "bus names", "time"}
