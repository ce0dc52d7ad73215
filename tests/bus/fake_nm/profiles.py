"""org.freedesktop.NetworkManager.Settings and its connections."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.system.bus import Call, CallFailed, Variant
from appliance.system.bus_service import Interface, Method, Property
from provisioning.nm import names

if TYPE_CHECKING:
    from tests.bus.fake_nm.network_manager import FakeNetworkManager

TYPES = {bool: "b", int: "i", str: "s", bytes: "ay"}
SECRETS = {"802-11-wireless-security": ("psk",), "802-1x": ("password",)}
KNOWN = {
    "connection": {"id", "uuid", "type", "autoconnect", "autoconnect-retries", "timestamp"},
    "802-11-wireless": {"ssid", "mode", "hidden", "powersave", "band", "channel"},
    "802-11-wireless-security": {"key-mgmt", "psk", "pmf", "proto", "pairwise", "group"},
    "802-1x": {
        "eap",
        "identity",
        "password",
        "phase2-auth",
        "anonymous-identity",
        "system-ca-certs",
        "domain-suffix-match",
    },
    "ipv4": {"method", "address-data"},
    "ipv6": {"method"},
}
Values = dict[str, dict[str, Any]]


def invalid(where: str, what: str) -> CallFailed:
    return CallFailed(f"{names.PROFILE}.InvalidProperty", f"{where}: {what}")


def check(settings: Values, version: int) -> None:
    """Refuse what NetworkManager refuses."""
    for section, values in settings.items():
        for key in values:
            late = version >= 52 and key in ("shared-dhcp-range", "shared-dhcp-lease-time")
            if key not in KNOWN.get(section, set()) and not (section == "ipv4" and late):
                raise invalid(f"{section}.{key}", "unknown property")
    if not 1 <= len(settings["802-11-wireless"]["ssid"]) <= 32:
        raise invalid("802-11-wireless.ssid", "SSID length is out of range <1-32> bytes")
    security = settings.get("802-11-wireless-security", {})
    psk = security.get("psk")
    if security.get("key-mgmt") == "wpa-psk" and psk is not None and not valid_psk(psk):
        raise invalid("802-11-wireless-security.psk", "property is invalid")
    if security.get("key-mgmt") == "wpa-eap" and not settings.get("802-1x", {}).get("eap"):
        raise invalid("802-1x.eap", "property is missing")


def valid_psk(psk: str) -> bool:
    size = len(psk.encode())
    return 8 <= size <= 63 or (size == 64 and set(psk) <= set(string.hexdigits))


def typed(value: Any) -> Variant:
    """The value with a type that fits."""
    if isinstance(value, list):
        inner = "s" if all(isinstance(each, str) for each in value) else "a{sv}"
        plain = [{k: typed(v) for k, v in each.items()} if inner != "s" else each for each in value]
        return Variant(f"a{inner}", plain)
    return Variant(TYPES[type(value)], value)


@dataclass
class FakeProfile:
    """A profile; `saved` says that it survives a restart."""

    path: str
    settings: Values
    saved: bool
    volatile: bool = False
    blocked: bool = False  # not to be used by itself any more

    @property
    def uuid(self) -> str:
        return str(self.settings["connection"]["uuid"])

    @property
    def ssid(self) -> bytes:
        return bytes(self.settings["802-11-wireless"]["ssid"])

    @property
    def is_host(self) -> bool:
        return self.settings["802-11-wireless"].get("mode") == "ap"

    @property
    def security(self) -> dict[str, Any]:
        return self.settings.get("802-11-wireless-security", {})

    @property
    def connects_itself(self) -> bool:
        return bool(self.settings["connection"].get("autoconnect", True)) and not self.blocked

    def shown(self) -> dict[str, dict[str, Variant]]:
        """As GetSettings shows it: without secrets."""
        return {
            section: {
                key: typed(value)
                for key, value in values.items()
                if key not in SECRETS.get(section, ())
            }
            for section, values in self.settings.items()
        }


class FakeSettings:
    """All profiles of one daemon."""

    def __init__(self, daemon: FakeNetworkManager) -> None:
        self._daemon = daemon
        self.profiles: dict[str, FakeProfile] = {}
        self._count = 0

    def interface(self) -> Interface:
        return Interface(
            names.SETTINGS_INTERFACE,
            (
                Method("ListConnections", "", "ao", self._list),
                Method("AddConnection2", "a{sa{sv}}ua{sv}", "oa{sv}", self._add),
            ),
            (Property("Connections", "ao", lambda: list(self.profiles)),),
            {"NewConnection": "o", "ConnectionRemoved": "o"},
        )

    def create(self, settings: Values, *, saved: bool, volatile: bool = False) -> FakeProfile:
        check(settings, self._daemon.version)
        uuid = settings["connection"]["uuid"]
        if any(profile.uuid == uuid for profile in self.profiles.values()):
            raise CallFailed(
                f"{names.SETTINGS_INTERFACE}.UuidExists", f"A connection with UUID {uuid} exists."
            )
        self._count += 1
        profile = FakeProfile(f"{names.SETTINGS}/{self._count}", settings, saved, volatile)
        self.profiles[profile.path] = profile
        self._daemon.objects.add(profile.path, self._profile_interface(profile))
        self._daemon.objects.signal(
            names.SETTINGS, names.SETTINGS_INTERFACE, "NewConnection", profile.path
        )
        self._daemon.keep()
        return profile

    def remove(self, profile: FakeProfile) -> None:
        if self.profiles.pop(profile.path, None) is None:
            return
        self._daemon.objects.remove(profile.path)
        self._daemon.objects.signal(
            names.SETTINGS, names.SETTINGS_INTERFACE, "ConnectionRemoved", profile.path
        )
        self._daemon.keep()

    def _profile_interface(self, profile: FakeProfile) -> Interface:
        async def get_settings(call: Call) -> tuple[Any, ...]:
            return (profile.shown(),)

        async def update2(call: Call) -> tuple[Any, ...]:
            self._daemon.require("settings.modify.system")
            settings, flags, _ = call.body
            profile.settings = settings or profile.settings
            profile.saved = profile.saved or bool(flags & 1)
            self._daemon.keep()
            return ({},)

        async def delete(call: Call) -> tuple[Any, ...]:
            self._daemon.require("settings.modify.system")
            self._daemon.stop_using(profile)
            self.remove(profile)
            return ()

        return Interface(
            names.PROFILE,
            (
                Method("GetSettings", "", "a{sa{sv}}", get_settings),
                Method("Update2", "a{sa{sv}}ua{sv}", "a{sv}", update2),
                Method("Delete", "", "", delete),
            ),
            (Property("Unsaved", "b", lambda: not profile.saved),),
        )

    async def _list(self, call: Call) -> tuple[Any, ...]:
        if self._daemon.faults.confused:
            self._daemon.faults.confused -= 1
            text = "Unable to determine UID of the request"
            raise CallFailed(f"{names.SETTINGS_INTERFACE}.PermissionDenied", text)
        return (list(self.profiles),)

    async def _add(self, call: Call) -> tuple[Any, ...]:
        self._daemon.require("settings.modify.system")
        settings, flags, _ = call.body
        profile = self.create(settings, saved=bool(flags & 1))
        self._daemon.wake()
        return profile.path, {}
