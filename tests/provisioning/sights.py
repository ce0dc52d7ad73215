"""Snapshots of NetworkManager, made by hand."""

from __future__ import annotations

from provisioning.credentials import Security
from provisioning.nm.access_point import AccessPoint
from provisioning.nm.active import Active
from provisioning.nm.device import Device
from provisioning.nm.ip_config import IpConfig
from provisioning.nm.names import Capability, Mode
from provisioning.nm.snapshot import Snapshot
from provisioning.nm.wireless import Radio
from provisioning.payloads import SETUP_UUID

ABLE = Capability.ACCESS_POINT | Capability.FREQUENCIES_KNOWN | Capability.BAND_2GHZ


def point(ssid: bytes, number: int = 1, **fields: object) -> AccessPoint:
    values: dict[str, object] = {
        "path": f"/AP/{number}",
        "ssid": ssid,
        "address": f"02:00:00:00:00:{number:02X}",
        "strength": 50,
        "frequency": 2412,
        "security": Security.PSK,
        "mode": Mode.STATION,
    }
    return AccessPoint(**values | fields)  # type: ignore[arg-type]


def radio(
    number: int = 0,
    state: int = 30,
    mode: Mode = Mode.STATION,
    capabilities: Capability = ABLE,
    points: tuple[AccessPoint, ...] = (),
    scanned: int = 1,
) -> Radio:
    path = f"/Devices/{number}"
    device = Device(path, f"wlan{number}", 2, state, managed=True, active=f"/Active/{number}")
    heard = tuple(each.path for each in points)
    address = f"02:00:00:00:FF:{number:02X}"
    return Radio(device, address, capabilities, mode, scanned, heard, "/")


def sight(
    *radios: Radio,
    points: tuple[AccessPoint, ...] = (),
    hosted_by: Radio | None = None,
    host_up: bool = True,
    cable: int | None = None,
    gateway: str = "192.168.1.1",
) -> Snapshot:
    devices = {each.path: each.device for each in radios}
    if cable is not None:
        devices["/Devices/9"] = Device("/Devices/9", "eth0", 1, cable, managed=True, ip4="/IP4/9")
    actives = {}
    if hosted_by is not None:
        state = 2 if host_up else 1
        actives["/Active/s"] = Active(
            "/Active/s", "/Settings/1", SETUP_UUID, state, (hosted_by.path,)
        )
    return Snapshot(
        devices=devices,
        radios=radios,
        access_points={each.path: each for each in points},
        actives=actives,
        addresses={"/IP4/9": IpConfig(gateway, ("192.168.1.7/24",))},
    )
