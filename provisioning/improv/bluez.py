"""BlueZ's adapter, as far as a gadget needs it (org.bluez.Adapter in BlueZ's documentation)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.errors import Retryable
from appliance.system.bus import Bus, CallFailed, Signal, Variant
from provisioning.improv.gatt import ADVERTISEMENT, APPLICATION

NAME: Final = "org.bluez"
_ADAPTER: Final = f"{NAME}.Adapter1"
_GATT: Final = f"{NAME}.GattManager1"
_ADVERTISING: Final = f"{NAME}.LEAdvertisingManager1"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"


class NoAdapter(Retryable):
    """No Bluetooth adapter here can be a gadget."""

    code = "no_bluetooth"


class Bluez:
    """Calls of BlueZ; each raises BusError."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def watch(self, listener: Callable[[], None]) -> None:
        """Call `listener` when adapters, or BlueZ itself, may have come or gone."""

        def hear(signal: Signal) -> None:
            # Clients come and go as objects, too.
            if signal.interface == _OBJECTS and _GATT in signal.body[1]:
                listener()

        await self._bus.watch(NAME, "/", hear)
        await self._bus.follow(NAME, lambda _: listener())

    async def adapter(self) -> str:
        """Path of the first adapter that can be a gadget. Raises NoAdapter too."""
        (found,) = await self._bus.call(NAME, "/", _OBJECTS, "GetManagedObjects")
        for path, interfaces in sorted(found.items()):
            if _GATT in interfaces and _ADVERTISING in interfaces:
                return str(path)
        raise NoAdapter("No Bluetooth adapter can be a gadget of Bluetooth LE.")

    async def offer(self, adapter: str) -> None:
        """Switch an adapter on, and have clients find us by it."""
        powered = (_ADAPTER, "Powered", Variant("b", True))
        await self._bus.call(NAME, adapter, _PROPERTIES, "Set", "ssv", *powered)
        await self._register(adapter, _GATT, "RegisterApplication", APPLICATION)
        await self._register(adapter, _ADVERTISING, "RegisterAdvertisement", ADVERTISEMENT)

    async def withdraw(self, adapter: str) -> None:
        """Be found no longer."""
        for interface, member, path in (
            (_ADVERTISING, "UnregisterAdvertisement", ADVERTISEMENT),
            (_GATT, "UnregisterApplication", APPLICATION),
        ):
            await self._bus.call(NAME, adapter, interface, member, "o", path)

    async def _register(self, adapter: str, interface: str, member: str, path: str) -> None:
        try:
            await self._bus.call(NAME, adapter, interface, member, "oa{sv}", path, {})
        except CallFailed as error:
            if not error.name.endswith(".AlreadyExists"):  # half of an offer that failed
                raise
