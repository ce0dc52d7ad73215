"""What happens between "activate" and "activated", with the reasons and times of the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.nm.names import DeviceState, Reason
from tests.bus.fake_nm.air import PSK, SAE, Base

if TYPE_CHECKING:
    from tests.bus.fake_nm.network_manager import FakeNetworkManager
    from tests.bus.fake_nm.profiles import FakeProfile

ASSOCIATION_TIMEOUT = 25.0
DHCP_TIMEOUT = 45.0
HANDSHAKE_FAILS = 4.0


@dataclass(frozen=True)
class Passage:
    """After `seconds` the device is in `state` for `reason`."""

    seconds: float
    state: DeviceState
    reason: Reason = Reason.NONE


def passages(daemon: FakeNetworkManager, profile: FakeProfile, base: Base | None) -> list[Passage]:
    """Everything that will be seen from PREPARE on."""
    begin = [Passage(0.05, DeviceState.PREPARE), Passage(0.05, DeviceState.CONFIG)]
    if profile.is_host:
        return begin + _host(daemon, profile)
    if base is None:
        return [*begin, Passage(ASSOCIATION_TIMEOUT, DeviceState.FAILED, Reason.SSID_NOT_FOUND)]
    if refusal := _refusal(daemon, profile, base):
        return begin + refusal
    if base.throws_out:
        base.throws_out -= 1
        return [
            *begin,
            Passage(2.0, DeviceState.IP_CONFIG),
            Passage(4.0, DeviceState.NEED_AUTH, Reason.SUPPLICANT_DISCONNECT),
            Passage(0.3, DeviceState.FAILED, Reason.NO_SECRETS),
        ]
    return [*begin, Passage(2.0, DeviceState.IP_CONFIG), *_address(base)]


def _host(daemon: FakeNetworkManager, profile: FakeProfile) -> list[Passage]:
    faults = daemon.faults
    if faults.hosting_fails or (faults.hosting_protected_fails and profile.security):
        return [Passage(ASSOCIATION_TIMEOUT, DeviceState.FAILED, Reason.SUPPLICANT_TIMEOUT)]
    return [Passage(1.5, DeviceState.IP_CONFIG), Passage(0.3, DeviceState.ACTIVATED)]


def _address(base: Base) -> list[Passage]:
    if not base.dhcp:
        return [Passage(DHCP_TIMEOUT, DeviceState.FAILED, Reason.IP_CONFIG_UNAVAILABLE)]
    return [Passage(2.0, DeviceState.IP_CHECK), Passage(0.1, DeviceState.ACTIVATED)]


def _refusal(daemon: FakeNetworkManager, profile: FakeProfile, base: Base) -> list[Passage] | None:
    # Observed with 1.52 and simulated radios: it has seen no handshake, so it has seen no network.
    late = [Passage(ASSOCIATION_TIMEOUT, DeviceState.FAILED, Reason.SSID_NOT_FOUND)]
    early = [
        Passage(HANDSHAKE_FAILS, DeviceState.NEED_AUTH, Reason.SUPPLICANT_DISCONNECT),
        Passage(0.1, DeviceState.FAILED, Reason.NO_SECRETS),
    ]
    if not base.admits:
        return late
    method = profile.security.get("key-mgmt", "none")
    rsn = base.flags[2]
    if method == "wpa-eap":
        account = profile.settings["802-1x"]
        same = (account["identity"], account["password"]) == (base.identity, base.secret)
        return None if same else [Passage(HANDSHAKE_FAILS, DeviceState.FAILED, Reason.NO_SECRETS)]
    if method in ("none", "owe"):
        return None
    # 1.52 does WPA3 wherever it can, whatever it was told of protected management frames.
    avoids = profile.security.get("pmf", 0) == 1 and daemon.version != 52
    with_sae = method == "sae" or (rsn & SAE and not avoids)
    right = profile.security["psk"] == base.secret
    if with_sae and not (base.sae_works and right):
        told = right is False and daemon.version >= 58
        return early if told else late
    if not with_sae and not rsn & PSK:
        return late
    return None if right else early
