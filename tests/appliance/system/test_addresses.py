from __future__ import annotations

from pathlib import Path

from appliance.system.addresses import Place, reachable, read_places

HOME = Place("eth0", "192.0.2.7")


def machine(root: Path, **states: str) -> Path:
    for interface, state in states.items():
        folder = root / "class/net" / interface
        folder.mkdir(parents=True)
        (folder / "operstate").write_text(f"{state}\n")
    return root


def test_this_machine_has_loopback_at_least() -> None:
    assert "127.0.0.1" in {place.address for place in read_places()}


def test_the_best_comes_first(tmp_path: Path) -> None:
    sys = machine(tmp_path, eth0="up", wlan0="up", lo="unknown")
    (sys / "class/net/wlan0/phy80211").mkdir()
    wifi, local = Place("wlan0", "192.0.2.3"), Place("eth0", "169.254.200.10")
    known = [Place("lo", "127.0.0.1"), local, wifi, Place("eth0", "fd00::7"), HOME]
    assert reachable(known, sys) == (HOME, wifi, local)


def test_what_is_not_plugged_in_is_nowhere(tmp_path: Path) -> None:
    assert reachable([HOME], machine(tmp_path, eth0="down")) == ()


def test_where_there_is_only_ipv6_it_counts(tmp_path: Path) -> None:
    known = [Place("lo", "::1"), Place("eth0", "fe80::1"), Place("eth0", "fd00::7")]
    assert reachable(known, tmp_path) == (Place("eth0", "fd00::7"),)
