"""A BlueZ for tests: an adapter on a message bus, and a phone that finds what is offered there."""

from __future__ import annotations

from typing import Any

from appliance.system.bus import Bus, Call, CallFailed, Signal, Variant, connect
from appliance.system.bus_service import Interface, Method, Objects, Property

ADAPTER = "/org/bluez/hci0"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_CHARACTERISTIC = "org.bluez.GattCharacteristic1"
_ADVERTISEMENT = "org.bluez.LEAdvertisement1"
# What an advertisement has room for (Bluetooth Core 5.4, Vol 6, Part B, 2.3.1), less its flags.
_ROOM = 31 - 3


class FakeBluez:
    """One adapter, one application and one advertisement at a time; keeps what was notified."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.powered = False
        self.application: dict[str, dict[str, Any]] = {}  # by UUID: properties, and the path
        self.advertisement: dict[str, Any] = {}
        self.notified: list[tuple[str, bytes]] = []
        self._sender = ""
        self.bus: Bus

    async def start(self, *, adapter: bool = True) -> Bus:
        self.bus = await connect(self._address)
        self._objects = Objects(self.bus, "/")
        self.bus.answer_calls(self._answer)
        if adapter:
            self.plug()
        await self.bus.own("org.bluez")
        return self.bus

    async def stop(self) -> None:
        self.application, self.advertisement = {}, {}
        await self.bus.close()

    def plug(self) -> None:
        """An adapter comes."""
        gatt = (
            Method("RegisterApplication", "oa{sv}", "", self._register_application),
            Method("UnregisterApplication", "o", "", self._unregister_application),
        )
        advertising = (
            Method("RegisterAdvertisement", "oa{sv}", "", self._register_advertisement),
            Method("UnregisterAdvertisement", "o", "", self._unregister_advertisement),
        )
        self._objects.add(
            ADAPTER,
            Interface("org.bluez.Adapter1", (), (Property("Powered", "b", lambda: self.powered),)),
            Interface("org.bluez.GattManager1", gatt),
            Interface("org.bluez.LEAdvertisingManager1", advertising),
        )

    def unplug(self) -> None:
        """The adapter goes, and with it all that was registered there."""
        self.application, self.advertisement, self.powered = {}, {}, False
        self._objects.remove(ADAPTER)

    def meet(self, number: int) -> None:
        """A client comes by, which BlueZ makes an object of."""
        self._objects.add(f"{ADAPTER}/dev_{number}", Interface("org.bluez.Device1"))

    async def read(self, uuid: str, offset: int = 0) -> bytes:
        """What a phone reads."""
        options = {"offset": Variant("q", offset), "mtu": Variant("q", 517)}
        (value,) = await self._ask(uuid, "ReadValue", "a{sv}", options)
        return bytes(value)

    async def write(self, uuid: str, data: bytes, mtu: int = 20) -> None:
        """What a phone writes, as its radio carries it."""
        for start in range(0, len(data), mtu):
            await self._ask(uuid, "WriteValue", "aya{sv}", data[start : start + mtu], {})

    async def _ask(self, uuid: str, member: str, signature: str, *body: Any) -> tuple[Any, ...]:
        path = self.application[uuid]["path"]
        return await self.bus.call(self._sender, path, _CHARACTERISTIC, member, signature, *body)

    async def _answer(self, call: Call) -> tuple[str, tuple[Any, ...]]:
        if (call.interface, call.member) == (_PROPERTIES, "Set"):
            assert call.body[:2] == ("org.bluez.Adapter1", "Powered")
            self.powered = call.body[2]
            return "", ()
        return await self._objects._answer(call)

    async def _register_application(self, call: Call) -> tuple[Any, ...]:
        if self.application:
            raise CallFailed("org.bluez.Error.AlreadyExists", "Already Exists")
        self._sender = call.sender
        root = call.body[0]
        (found,) = await self.bus.call(call.sender, root, _OBJECTS, "GetManagedObjects")
        for path, interfaces in found.items():
            for properties in interfaces.values():
                if "UUID" in properties and path.startswith(root):
                    self.application[properties["UUID"]] = {"path": path, **properties}
        await self.bus.watch(call.sender, root, self._hear)
        await self.bus.watch(call.sender, "/org/luna/improv_advertisement", self._hear)
        return ()

    async def _unregister_application(self, call: Call) -> tuple[Any, ...]:
        self.application = {}
        return ()

    async def _register_advertisement(self, call: Call) -> tuple[Any, ...]:
        if not self.powered:
            raise CallFailed("org.bluez.Error.NotReady", "Not powered")
        ask = (call.sender, call.body[0], _PROPERTIES, "GetAll")
        (told,) = await self.bus.call(*ask, "s", _ADVERTISEMENT)
        size = sum(2 + 16 for _ in told["ServiceUUIDs"])
        size += sum(2 + 2 + len(data) for data in told["ServiceData"].values())
        if size > _ROOM or "LocalName" in told:
            raise CallFailed("org.bluez.Error.InvalidLength", "Advertising data too long")
        self.advertisement = told
        return ()

    async def _unregister_advertisement(self, call: Call) -> tuple[Any, ...]:
        self.advertisement = {}
        return ()

    def _hear(self, signal: Signal) -> None:
        if signal.member != "PropertiesChanged":
            return
        interface, values, _ = signal.body
        if interface == _ADVERTISEMENT and self.advertisement:
            self.advertisement |= values
        for uuid, offered in self.application.items():
            if offered["path"] == signal.path and "Value" in values:
                self.notified.append((uuid, bytes(values["Value"])))
