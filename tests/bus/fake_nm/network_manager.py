"""org.freedesktop.NetworkManager itself: devices, activations, checkpoints, permissions."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine
from typing import Any

from appliance.system.bus import Bus, Call, CallFailed, connect
from appliance.system.bus_service import Interface, Method, Objects, Property
from provisioning.clock import Clock
from provisioning.nm import names
from provisioning.nm.names import DeviceState, Reason
from tests.bus.fake_nm.active import FakeActive
from tests.bus.fake_nm.air import PSK, SAE, Air, Base, Faults
from tests.bus.fake_nm.checkpoints import FakeCheckpoints
from tests.bus.fake_nm.device import FakeDevice, FakeRadio
from tests.bus.fake_nm.profiles import FakeProfile, FakeSettings, Values

PERMISSIONS = (
    "network-control",
    "wifi.scan",
    "settings.modify.system",
    "wifi.share.protected",
    "wifi.share.open",
    "checkpoint-rollback",
    "enable-disable-wifi",
)
ACTIVATE_OPTIONS = {"persist", "bind-activation"}
AUTOCONNECT_AFTER = 2.0


class FakeNetworkManager:
    """A machine with radios and a cable; `start` and `stop` are those of the daemon.

    `version` is the second number: 42, 52 or 58. Saved profiles survive a stop, as on a disk.
    """

    def __init__(self, address: str, clock: Clock, version: int = 52, radios: int = 1) -> None:
        self._address = address
        self.clock = clock
        self.version = version
        self.air = Air()
        self.faults = Faults()
        self.disk: list[Values] = []
        self.calls: list[str] = []
        self.radio_count = radios
        self.hosts = True
        self.started = False

    async def start(self) -> Bus:
        """Become the service; the connection, for the clock."""
        self.bus = await connect(self._address)
        self._tasks: set[asyncio.Task[None]] = set()
        self.objects = Objects(self.bus, root=names.ROOT)
        self.actives: dict[str, FakeActive] = {}
        self._count = 0
        self.settings = FakeSettings(self)
        self.checkpoints = FakeCheckpoints(self)
        self.objects.add(names.MANAGER, self._interface())
        self.objects.add(names.SETTINGS, self.settings.interface())
        self.cable = FakeDevice(self, 1, "eth0")
        self.cable.state = DeviceState.UNAVAILABLE
        self.radios = [
            FakeRadio(self, number + 2, f"wlan{number}", can_host=self.hosts)
            for number in range(self.radio_count)
        ]
        for device in (self.cable, *self.radios):
            device.offer()
        for saved in copy.deepcopy(self.disk):
            self.settings.create(saved, saved=True)
        await self.bus.own(names.SERVICE)
        self.started = True
        self.wake()
        return self.bus

    async def stop(self) -> None:
        """End as a crash does."""
        self.started = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bus.close()

    @property
    def in_use(self) -> bytes | None:
        """Name of the network that the first radio has joined or makes."""
        active = self.radios[0].active
        return active.profile.ssid if active else None

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something until the daemon stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def keep(self) -> None:
        """Write the disk."""
        profiles = self.settings.profiles.values()
        self.disk = [copy.deepcopy(each.settings) for each in profiles if each.saved]

    def know(self, base: Base, **more: Any) -> FakeProfile:
        """Have a saved profile that fits a base station."""
        settings: Values = {
            "connection": {
                "id": "known",
                "uuid": f"00000000-0000-0000-0000-{len(self.disk):012}",
                "type": "802-11-wireless",
            },
            "802-11-wireless": {"ssid": base.ssid, "hidden": base.hidden},
            "802-11-wireless-security": {"key-mgmt": "wpa-psk", "psk": base.secret},
        }
        settings["connection"] |= more
        return self.settings.create(settings, saved=True)

    def lose(self) -> None:
        """The base station of the network in use has gone."""
        active = self.radios[0].active
        if active is not None:
            active.end(0, Reason.SSID_NOT_FOUND)

    def plug_radio(self) -> None:
        """A radio comes."""
        radio = FakeRadio(self, len(self.radios) + 2, f"wlan{len(self.radios)}")
        self.radios.append(radio)
        radio.offer()

    def require(self, permission: str) -> None:
        if permission in self.faults.denied:
            raise CallFailed(f"{names.SERVICE}.PermissionDenied", "Insufficient privileges.")

    def add_point(self, base: Base, named: bool) -> str:
        """Show a base station as an access point."""
        self._count += 1
        path = f"{names.MANAGER}/AccessPoint/{self._count}"
        ssid = b"" if base.hidden and not named else base.ssid
        values: dict[str, tuple[str, Any]] = {
            "Ssid": ("ay", ssid),
            "HwAddress": ("s", base.address),
            "Strength": ("y", base.strength),
            "Frequency": ("u", base.frequency),
            "Flags": ("u", base.flags[0]),
            "WpaFlags": ("u", base.flags[1]),
            "RsnFlags": ("u", base.flags[2]),
            "Mode": ("u", 2),
        }
        properties = tuple(
            Property(name, signature, lambda value=value: value)  # type: ignore[misc]
            for name, (signature, value) in values.items()
        )
        self.objects.add(path, Interface(names.ACCESS_POINT, (), properties))
        return path

    def activate(self, profile: FakeProfile, radio: FakeRadio) -> FakeActive:
        """Use a profile on a radio; what it did before ends."""
        if radio.active is not None:
            radio.active.end(3, Reason.NEW_ACTIVATION)
        bases = [] if profile.is_host else self.air.named(profile.ssid)
        self._count += 1
        radio.active = FakeActive(self, self._count, profile, radio)
        self.actives[radio.active.path] = radio.active
        radio.active.begin(next(iter(bases), None))
        self.objects.changed(radio.path, names.DEVICE, "ActiveConnection")
        return radio.active

    def stop_using(self, profile: FakeProfile) -> None:
        """End activations of a profile that goes."""
        for active in [each for each in self.actives.values() if each.profile is profile]:
            active.end(2, Reason.USER_REQUESTED)

    def forget(self, active: FakeActive) -> None:
        """An activation has ended."""
        del self.actives[active.path]
        self.objects.remove(active.path)
        if active.profile.volatile:
            self.settings.remove(active.profile)
        self.wake()

    def wake(self) -> None:
        """Connect by itself what can be, in a while."""
        self.begin(self._connect_itself())

    async def _connect_itself(self) -> None:
        await self.clock.sleep(AUTOCONNECT_AFTER)
        for radio in self.radios:
            for profile in tuple(self.settings.profiles.values()):
                free = radio.active is None and radio.state == DeviceState.DISCONNECTED
                if free and profile.connects_itself and self.air.named(profile.ssid):
                    self.activate(profile, radio)

    def _interface(self) -> Interface:
        methods = {
            "AddAndActivateConnection2": ("a{sa{sv}}ooa{sv}", "ooa{sv}", self._add_and_activate),
            "ActivateConnection": ("ooo", "o", self._activate),
            "DeactivateConnection": ("o", "", self._deactivate),
            "GetPermissions": ("", "a{ss}", self._permissions),
            "CheckpointCreate": ("aouu", "o", self.checkpoints.create),
            "CheckpointDestroy": ("o", "", self.checkpoints.destroy),
            "CheckpointRollback": ("o", "a{su}", self.checkpoints.rollback),
        }
        return Interface(
            names.SERVICE,
            tuple(
                Method(name, takes, gives, self._counted(name, run))
                for name, (takes, gives, run) in methods.items()
            ),
            (Property("Version", "s", lambda: f"1.{self.version}.0"),),
            {"DeviceAdded": "o", "DeviceRemoved": "o"},
        )

    def _counted(self, name: str, run: Any) -> Any:
        async def counted(call: Call) -> Any:
            self.calls.append(name)
            if name in self.faults.silent:
                await asyncio.Event().wait()
            return await run(call)

        return counted

    def _radio(self, path: str) -> FakeRadio:
        for radio in self.radios:
            if radio.path == path:
                return radio
        raise CallFailed(f"{names.SERVICE}.UnknownDevice", "Device not found")

    def _base(self, radio: FakeRadio, path: str) -> Base | None:
        """The base station of an access point's path."""
        if path == "/":
            return None
        for address, heard in radio.heard.items():
            if heard == path:
                return self.air.bases.get(address, Base(b"gone"))
        raise CallFailed(f"{names.DEVICE}.SpecificObjectNotFound", f"No access point {path}")

    async def _add_and_activate(self, call: Call) -> tuple[Any, ...]:
        settings, device, specific, options = call.body
        for permission in ("network-control", "settings.modify.system"):
            self.require(permission)
        if unknown := set(options) - ACTIVATE_OPTIONS:
            raise CallFailed(f"{names.SERVICE}.InvalidArguments", f"unknown options {unknown}")
        radio = self._radio(device)
        security = settings.get("802-11-wireless-security", {})
        if settings["802-11-wireless"].get("mode") == "ap":
            self.require("wifi.share.protected" if security else "wifi.share.open")
        base = self._base(radio, specific)
        if base is not None and security.get("key-mgmt") == "wpa-psk" and _only_sae(base):
            text = "Access point does not support PSK but setting requires it"
            where = "802-11-wireless-security.key-mgmt"
            raise CallFailed(f"{names.PROFILE}.InvalidProperty", f"{where}: {text}")
        persist = options.get("persist", "disk")
        volatile = persist == "volatile"
        profile = self.settings.create(settings, saved=persist == "disk", volatile=volatile)
        active = self.activate(profile, radio)
        if options.get("bind-activation") == "dbus-client":
            await self.bus.follow(call.sender, lambda there: self._client_gone(there, profile))
        return profile.path, active.path, {}

    def _client_gone(self, there: bool, profile: FakeProfile) -> None:
        if not there:
            self.stop_using(profile)

    async def _activate(self, call: Call) -> tuple[Any, ...]:
        self.require("network-control")
        path, device, _ = call.body
        if path not in self.settings.profiles:
            raise CallFailed(f"{names.SERVICE}.UnknownConnection", "Connection not found")
        profile = self.settings.profiles[path]
        profile.blocked = False
        return (self.activate(profile, self._radio(device)).path,)

    async def _deactivate(self, call: Call) -> tuple[Any, ...]:
        self.require("network-control")
        active = self.actives.get(call.body[0])
        if active is None:
            raise CallFailed(f"{names.SERVICE}.ConnectionNotActive", "The connection is not active")
        active.profile.blocked = True
        active.end(2, Reason.USER_REQUESTED)
        return ()

    async def _permissions(self, call: Call) -> tuple[Any, ...]:
        prefix = f"{names.SERVICE}."
        denied = self.faults.denied
        return ({f"{prefix}{each}": "no" if each in denied else "yes" for each in PERMISSIONS},)


def _only_sae(base: Base) -> bool:
    return bool(base.flags[2] & SAE) and not base.flags[2] & PSK
