"""org.freedesktop.NetworkManager.Device, with Wireless for a radio, and its addresses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from appliance.system.bus import Call, CallFailed, Variant
from appliance.system.bus_service import Interface, Method, Property
from provisioning.nm import names
from provisioning.nm.names import Capability, DeviceKind, DeviceState, Mode, Reason
from tests.bus.fake_nm.air import Base

if TYPE_CHECKING:
    from tests.bus.fake_nm.active import FakeActive
    from tests.bus.fake_nm.network_manager import FakeNetworkManager

SCAN_SECONDS = 3.0


class FakeDevice:
    """A cable's interface; it has addresses while it is activated."""

    kind = DeviceKind.ETHERNET

    def __init__(self, daemon: FakeNetworkManager, number: int, interface: str) -> None:
        self.daemon = daemon
        self.path = f"{names.MANAGER}/Devices/{number}"
        self.ip4 = f"{names.MANAGER}/IP4Config/{number}"
        self.interface = interface
        self.state = DeviceState.DISCONNECTED
        self.reason: int = Reason.NONE
        self.active: FakeActive | None = None
        self.gateway = ""
        self.address = ""

    def offer(self) -> None:
        objects = self.daemon.objects
        objects.add(self.ip4, self._ip4_interface())
        objects.add(self.path, *self.interfaces())
        objects.signal(names.MANAGER, names.SERVICE, "DeviceAdded", self.path)

    def interfaces(self) -> list[Interface]:
        read = {
            "Interface": ("s", lambda: self.interface),
            "DeviceType": ("u", lambda: int(self.kind)),
            "State": ("u", lambda: int(self.state)),
            "StateReason": ("(uu)", lambda: [int(self.state), int(self.reason)]),
            "Managed": ("b", lambda: self.state > DeviceState.UNMANAGED),
            "ActiveConnection": ("o", lambda: self.active.path if self.active else "/"),
            "Ip4Config": ("o", lambda: self.ip4),
            "Ip6Config": ("o", lambda: "/"),
        }
        properties = tuple(Property(name, *each) for name, each in read.items())
        return [Interface(names.DEVICE, (), properties, {"StateChanged": "uuu"})]

    def change(self, state: DeviceState, reason: int = Reason.NONE) -> None:
        """Go to a state and say so."""
        old, self.state, self.reason = self.state, state, reason
        objects = self.daemon.objects
        changed = ("State", "StateReason", "ActiveConnection")
        objects.changed(self.path, names.DEVICE, *changed)
        objects.signal(self.path, names.DEVICE, "StateChanged", int(state), int(old), int(reason))

    def plug(self, gateway: str = "192.168.1.1") -> None:
        """A cable with a router at its end, or with nothing when `gateway` is empty."""
        self.gateway, self.address = gateway, "192.168.1.23"
        self.change(DeviceState.ACTIVATED)

    def unplug(self) -> None:
        self.gateway = self.address = ""
        self.change(DeviceState.UNAVAILABLE, 40)

    def _ip4_interface(self) -> Interface:
        def addresses() -> list[dict[str, Variant]]:
            if not self.address:
                return []
            return [{"address": Variant("s", self.address), "prefix": Variant("u", 24)}]

        return Interface(
            names.IP4,
            (),
            (
                Property("Gateway", "s", lambda: self.gateway),
                Property("AddressData", "aa{sv}", addresses),
            ),
        )


class FakeRadio(FakeDevice):
    """A WiFi device."""

    kind = DeviceKind.WIFI

    def __init__(
        self, daemon: FakeNetworkManager, number: int, interface: str, *, can_host: bool = True
    ) -> None:
        super().__init__(daemon, number, interface)
        self.mac = f"02:00:00:00:00:{number:02X}"
        self.capabilities = Capability.BAND_2GHZ | Capability.FREQUENCIES_KNOWN
        if can_host:
            self.capabilities |= Capability.ACCESS_POINT
        self.mode = Mode.STATION
        self.last_scan = -1
        self.heard: dict[str, str] = {}  # address of a base station → path of its access point
        self.own_point: str | None = None
        self._scan: asyncio.Task[None] | None = None

    def interfaces(self) -> list[Interface]:
        read = {
            "HwAddress": ("s", lambda: self.mac),
            "PermHwAddress": ("s", lambda: self.mac),
            "Mode": ("u", lambda: int(self.mode)),
            "WirelessCapabilities": ("u", lambda: int(self.capabilities)),
            "LastScan": ("x", lambda: self.last_scan),
            "AccessPoints": ("ao", self._points),
            "ActiveAccessPoint": ("o", lambda: "/"),
        }
        properties = tuple(Property(name, *each) for name, each in read.items())
        scan = Method("RequestScan", "a{sv}", "", self._request_scan)
        return [*super().interfaces(), Interface(names.WIRELESS, (scan,), properties)]

    def _points(self) -> list[str]:
        return [*self.heard.values(), *filter(None, [self.own_point])]

    async def _request_scan(self, call: Call) -> tuple[Any, ...]:
        self.daemon.require("wifi.scan")
        hosting = self.mode == Mode.ACCESS_POINT
        if self.state < DeviceState.DISCONNECTED or (
            hosting and self.daemon.faults.scan_refused_as_host
        ):
            raise CallFailed(f"{names.DEVICE}.NotAllowed", "Scanning not allowed at this time")
        (options,) = call.body
        called = {bytes(ssid) for ssid in options.get("ssids", [])}
        if (self._scan is None or self._scan.done()) and not self.daemon.faults.scan_never_ends:
            self._scan = self.daemon.begin(self._hear(called))
        return ()

    async def _hear(self, called: set[bytes]) -> None:
        await self.daemon.clock.sleep(SCAN_SECONDS)
        self.forget()
        for base in tuple(self.daemon.air.bases.values()):
            self.heard[base.address] = self.daemon.add_point(base, base.ssid in called)
            if base.leaves:
                self.daemon.air.remove(base)
        self.last_scan = int(self.daemon.clock.now() * 1000)
        changed = ("LastScan", "AccessPoints")
        self.daemon.objects.changed(self.path, names.WIRELESS, *changed)
        self.daemon.wake()

    def forget(self) -> None:
        """As NetworkManager does when the radio was an access point."""
        for path in self.heard.values():
            self.daemon.objects.remove(path)
        self.heard.clear()

    def expire(self) -> None:
        """Who tried to join has looked for the network again and again: what went is gone."""
        for address in set(self.heard) - set(self.daemon.air.bases):
            self.daemon.objects.remove(self.heard.pop(address))

    def become_host(self, ssid: bytes) -> None:
        self.mode = Mode.ACCESS_POINT
        own = Base(ssid, address=self.mac, strength=0)
        self.own_point = self.daemon.add_point(own, named=True)
        self.address = "10.42.0.1"

    def become_station(self) -> None:
        if self.mode == Mode.ACCESS_POINT:
            self.mode = Mode.STATION
            self.forget()
        if self.own_point is not None:
            self.daemon.objects.remove(self.own_point)
            self.own_point = None
        self.gateway = self.address = ""
