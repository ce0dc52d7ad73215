"""Objects that this process offers on the message bus, written as tables.

Serves the standard interfaces Properties, Introspectable, Peer and, where it is wanted,
ObjectManager (D-Bus Specification, "Standard Interfaces").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree

from appliance.errors import LunaError
from appliance.system.bus import Bus, BusError, Call, CallFailed, Variant

_STANDARD: Final = "org.freedesktop.DBus"
_PROPERTIES: Final = f"{_STANDARD}.Properties"
_MANAGER: Final = f"{_STANDARD}.ObjectManager"
_DOCTYPE: Final = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    ' "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)
ERROR_PREFIX: Final = "org.luna.Error."

Answer = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method: signatures of what comes in and of what goes out, and what it does."""

    name: str
    takes: str
    gives: str
    run: Callable[[Call], Awaitable[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Property:
    """A property that others can read; its value fits `signature`."""

    name: str
    signature: str
    read: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Interface:
    """What an object offers under one name; `signals` maps names to signatures."""

    name: str
    methods: tuple[Method, ...] = ()
    properties: tuple[Property, ...] = ()
    signals: Mapping[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, Variant]:
        """Every property as it is now."""
        return {each.name: Variant(each.signature, each.read()) for each in self.properties}


class Objects:
    """The objects of one connection; it answers all calls that arrive there.

    `root` is the path of the ObjectManager, if there is to be one.
    """

    def __init__(self, bus: Bus, root: str | None = None) -> None:
        self._bus = bus
        self._root = root
        self._served: dict[str, dict[str, Interface]] = {}
        bus.answer_calls(self._answer)

    def add(self, path: str, *interfaces: Interface) -> None:
        """Offer an object."""
        self._served[path] = {each.name: each for each in interfaces}
        if self._root is not None:
            values = {each.name: each.values() for each in interfaces}
            self._bus.emit(self._root, _MANAGER, "InterfacesAdded", "oa{sa{sv}}", path, values)

    def remove(self, path: str) -> None:
        """Offer it no longer."""
        names = list(self._served.pop(path))
        if self._root is not None:
            self._bus.emit(self._root, _MANAGER, "InterfacesRemoved", "oas", path, names)

    def changed(self, path: str, interface: str, *names: str) -> None:
        """Tell everybody the new values of properties."""
        offered = self._served[path][interface]
        values = {
            each.name: Variant(each.signature, each.read())
            for each in offered.properties
            if each.name in names
        }
        arguments: tuple[Any, ...] = (
            interface,
            values,
            [],
        )  # none is only announced without its value
        self._bus.emit(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", *arguments)

    def signal(self, path: str, interface: str, name: str, *body: Any) -> None:
        """Send a signal of an object that is offered."""
        signature = self._served[path][interface].signals[name]
        self._bus.emit(path, interface, name, signature, *body)

    async def _answer(self, call: Call) -> Answer:
        if call.interface.startswith(f"{_STANDARD}."):
            return self._answer_standard(call)
        offered = self._served.get(call.path)
        if offered is None:
            raise _standard_error("UnknownObject", f"There is no object {call.path}.")
        for interface in offered.values():
            if call.interface not in (interface.name, ""):
                continue
            for method in interface.methods:
                if method.name == call.member:
                    return await _run(method, call)
        raise _standard_error("UnknownMethod", f"{call.path} has no method {call.member}.")

    def _answer_standard(self, call: Call) -> Answer:
        match (call.interface.removeprefix(f"{_STANDARD}."), call.member, call.body):
            case ("Peer", "Ping", ()):
                return "", ()
            case ("Introspectable", "Introspect", ()):
                return "s", (self._introspect(call.path),)
            case ("ObjectManager", "GetManagedObjects", ()) if call.path == self._root:
                return "a{oa{sa{sv}}}", (self._everything(),)
            case ("Properties", "Get", (str(name), str(prop))):
                values = self._interface(call.path, name).values()
                if prop not in values:
                    raise _standard_error("UnknownProperty", f"{name} has no property {prop}.")
                return "v", (values[prop],)
            case ("Properties", "GetAll", (str(name),)):
                return "a{sv}", (self._interface(call.path, name).values(),)
            case ("Properties", "Set", _):
                raise _standard_error("PropertyReadOnly", "Properties are changed by methods.")
            case _:
                raise _standard_error("UnknownMethod", f"There is no method {call.member} here.")

    def _interface(self, path: str, name: str) -> Interface:
        if path not in self._served:
            raise _standard_error("UnknownObject", f"There is no object {path}.")
        if name not in self._served[path]:
            raise _standard_error("UnknownInterface", f"{path} has no interface {name}.")
        return self._served[path][name]

    def _everything(self) -> dict[str, dict[str, dict[str, Variant]]]:
        return {
            path: {name: interface.values() for name, interface in interfaces.items()}
            for path, interfaces in self._served.items()
        }

    def _introspect(self, path: str) -> str:
        node = ElementTree.Element("node")
        for interface in self._served.get(path, {}).values():
            _describe(node, interface)
        above = path.rstrip("/") + "/"
        below = {
            other.removeprefix(above).split("/")[0]
            for other in self._served
            if other.startswith(above)
        }
        for name in sorted(below):
            ElementTree.SubElement(node, "node", name=name)
        return _DOCTYPE + ElementTree.tostring(node, encoding="unicode")


async def _run(method: Method, call: Call) -> Answer:
    if call.signature != method.takes:
        raise _standard_error(
            "InvalidArgs", f"{method.name} takes '{method.takes}', not '{call.signature}'."
        )
    try:
        return method.gives, await method.run(call)
    except BusError as error:
        name = error.name if isinstance(error, CallFailed) else error_name(error)
        raise CallFailed(name, error.message) from error
    except LunaError as error:
        raise CallFailed(error_name(error), error.message) from error


def error_name(error: LunaError) -> str:
    """`bad_credentials` is `org.luna.Error.BadCredentials` on the bus."""
    return ERROR_PREFIX + "".join(word.capitalize() for word in error.code.split("_"))


def _standard_error(name: str, message: str) -> CallFailed:
    return CallFailed(f"{_STANDARD}.Error.{name}", message)


def _describe(node: ElementTree.Element, interface: Interface) -> None:
    own = ElementTree.SubElement(node, "interface", name=interface.name)
    for method in interface.methods:
        described = ElementTree.SubElement(own, "method", name=method.name)
        for direction, signature in (("in", method.takes), ("out", method.gives)):
            for each in complete_types(signature):
                ElementTree.SubElement(described, "arg", type=each, direction=direction)
    for name, signature in interface.signals.items():
        described = ElementTree.SubElement(own, "signal", name=name)
        for each in complete_types(signature):
            ElementTree.SubElement(described, "arg", type=each)
    for prop in interface.properties:
        ElementTree.SubElement(own, "property", name=prop.name, type=prop.signature, access="read")


def complete_types(signature: str) -> list[str]:
    """The single complete types of a signature: "sa{sv}" is "s" and "a{sv}"."""
    found: list[str] = []
    depth, start = 0, 0
    for index, character in enumerate(signature):
        depth += (character in "({") - (character in ")}")
        if depth == 0 and character != "a":
            found.append(signature[start : index + 1])
            start = index + 1
    return found
