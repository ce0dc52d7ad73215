"""How the device is connected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.system.netlink import (
    Address,
    NetlinkUnavailable,
    addresses,
    default_interface,
    is_wireless,
)

_GOOD_DBM, _FAIR_DBM = -60, -70


def get_wifi_status() -> str:
    """Get whether this device is connected to WiFi, how strong the signal is, and its address."""
    try:
        return _report(Path("/"), addresses(), default_interface())
    except NetlinkUnavailable as error:
        return error.message


def _report(root: Path, found: Sequence[Address], default: str | None) -> str:
    radios = [name for name in _interfaces(root) if is_wireless(name, root / "sys")]
    sentences = [_radio(root, name, _places(found, name)) for name in radios]
    if not radios:
        sentences.append("This device has no WiFi.")
    if default is not None and default not in radios:
        places = " and ".join(_places(found, default)) or "no address"
        sentences.append(f"It reaches the network through {default} with {places}.")
    elif default is None:
        sentences.append("It has no way to the internet.")
    return " ".join(sentences)


def _radio(root: Path, name: str, places: Sequence[str]) -> str:
    if not places:
        return f"The WiFi interface {name} is not connected."
    where = f"WiFi {name} has the address {' and '.join(places)}"
    signal = _signal(_wireless(root), name)
    return f"{where} and a {signal} signal." if signal else f"{where}."


def _places(found: Sequence[Address], name: str) -> list[str]:
    """Addresses of an interface that others can use: IPv4 if it has one, else IPv6."""
    usable = [each for each in found if each.interface == name and each.up and not each.link_local]
    four = [each.address for each in usable if each.family == 4]
    return four or [each.address for each in usable]


def _signal(wireless: str, name: str) -> str | None:
    """Quality of the reception by /proc/net/wireless: `wlan0: 0000   54.  -56.  -256 …`."""
    for line in wireless.splitlines():
        interface, _, figures = line.partition(":")
        match figures.split():
            case [_, _, level, *_] if interface.strip() == name:
                return _strength(level)
    return None


def _strength(level: str) -> str | None:
    number = level.rstrip(".")
    if not number.lstrip("-").isdecimal() or int(number) == 0:
        return None
    dbm = int(number) - 256 * (int(number) > 0)  # some drivers give an unsigned byte
    word = "good" if dbm >= _GOOD_DBM else "fair" if dbm >= _FAIR_DBM else "weak"
    return f"{word} ({dbm} dBm)"


def _interfaces(root: Path) -> list[str]:
    folder = root / "sys/class/net"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _wireless(root: Path) -> str:
    try:
        return (root / "proc/net/wireless").read_text("ascii", "replace")
    except OSError:
        return ""
