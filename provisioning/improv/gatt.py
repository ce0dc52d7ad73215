"""The session as BlueZ wants it: a GATT service and an advertisement (org.bluez.GattManager,
org.bluez.LEAdvertisement in BlueZ's documentation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from appliance.system.bus import Bus, Call, Variant
from appliance.system.bus_service import Interface, Method, Objects, Property
from provisioning.improv import protocol
from provisioning.improv.session import CAPABILITIES, Session

APPLICATION: Final = "/org/luna/improv"
ADVERTISEMENT: Final = "/org/luna/improv_advertisement"
_SERVICE: Final = f"{APPLICATION}/service"
_SERVICE_INTERFACE: Final = "org.bluez.GattService1"
_CHARACTERISTIC_INTERFACE: Final = "org.bluez.GattCharacteristic1"
_ADVERTISEMENT_INTERFACE: Final = "org.bluez.LEAdvertisement1"
_READABLE: Final = ("read", "notify")
_WRITABLE: Final = ("write", "write-without-response")

Read = Callable[[], bytes]


class Gatt:
    """Offers the session's values on a connection of its own."""

    def __init__(self, bus: Bus, session: Session) -> None:
        self._session = session
        self._objects = Objects(bus, APPLICATION)
        self._values: dict[str, tuple[str, Read]] = {}  # by path: what notifies, and its value
        self._told: dict[str, bytes] = {}
        primary = (
            Property("UUID", "s", lambda: protocol.SERVICE),
            Property("Primary", "b", lambda: True),
        )
        self._objects.add(_SERVICE, Interface(_SERVICE_INTERFACE, (), primary))
        self._add(protocol.STATE, lambda: bytes([session.state]))
        self._add(protocol.ERROR, lambda: bytes([session.problem]))
        self._add(protocol.RESULT, lambda: session.result)
        self._add(protocol.CAPABILITIES, lambda: bytes([CAPABILITIES]), ("read",))
        self._add(protocol.COMMAND, bytes, _WRITABLE)
        self._objects.add(ADVERTISEMENT, self._advertisement())

    def tell(self) -> None:
        """Notify of what has changed, and advertise the state as it is."""
        for path, (name, read) in self._values.items():
            if self._told.get(path) != read():
                self._told[path] = read()
                self._objects.changed(path, _CHARACTERISTIC_INTERFACE, "Value")
                if name == protocol.STATE:
                    self._objects.changed(ADVERTISEMENT, _ADVERTISEMENT_INTERFACE, "ServiceData")

    def _add(self, name: str, read: Read, flags: tuple[str, ...] = _READABLE) -> None:
        path = f"{_SERVICE}/char{name[-2:]}"
        if "notify" in flags:
            self._values[path] = name, read
            self._told[path] = read()

        async def read_value(call: Call) -> tuple[Any, ...]:
            return (read()[call.body[0].get("offset", 0) :],)

        async def write_value(call: Call) -> tuple[Any, ...]:
            self._session.write(bytes(call.body[0]))
            return ()

        async def nothing(call: Call) -> tuple[Any, ...]:
            return ()  # BlueZ itself knows who listens

        methods = [Method("ReadValue", "a{sv}", "ay", read_value)] if "read" in flags else []
        if "write" in flags:
            methods.append(Method("WriteValue", "aya{sv}", "", write_value))
        if "notify" in flags:
            methods += [Method(each, "", "", nothing) for each in ("StartNotify", "StopNotify")]
        properties = (
            Property("UUID", "s", lambda: name),
            Property("Service", "o", lambda: _SERVICE),
            Property("Flags", "as", lambda: list(flags)),
            Property("Value", "ay", read),
        )
        offered = Interface(_CHARACTERISTIC_INTERFACE, tuple(methods), properties)
        self._objects.add(path, offered)

    def _advertisement(self) -> Interface:
        """Without a name: with one it would not fit into the 31 bytes that there are."""

        def data() -> dict[str, Variant]:
            told = protocol.service_data(self._session.state, CAPABILITIES)
            return {protocol.SERVICE_DATA: Variant("ay", told)}

        async def release(call: Call) -> tuple[Any, ...]:
            return ()  # BlueZ has ended it, for example because the adapter went

        properties = (
            Property("Type", "s", lambda: "peripheral"),
            Property("ServiceUUIDs", "as", lambda: [protocol.SERVICE]),
            Property("ServiceData", "a{sv}", data),
        )
        return Interface(
            _ADVERTISEMENT_INTERFACE, (Method("Release", "", "", release),), properties
        )
