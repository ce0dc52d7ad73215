"""The WiFi provisioning service as its callers see it, over the message bus.

Every question is a connection of its own, so that nothing has to be kept alive between them. Call
from plain threads, not inside a coroutine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from appliance.errors import BadRequest, LunaError, Retryable
from appliance.system.bus import Bus, BusError, CallFailed, Variant, connect
from appliance.system.provisioning_names import INTERFACE, PATH, SERVICE

_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_LUNA: Final = "org.luna.Error."
_BAD: Final = (f"{_LUNA}BadCredentials", f"{_LUNA}BadCountry")
_T = TypeVar("_T")


class ProvisioningUnavailable(Retryable):
    """No provisioning service runs here, or it cannot do that now."""

    code = "wifi_unavailable"


class ProvisioningRefused(BadRequest):
    """What was asked for can never work."""

    code = "wifi_refused"


@dataclass(frozen=True, slots=True)
class Network:
    """A network on the air; `strength` 0 to 100, `age` seconds since it was heard."""

    ssid: bytes
    security: str
    strength: int
    frequency: int
    age: int


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """A saved network; `used` in seconds since 1970, 0 if never."""

    ssid: bytes
    hidden: bool
    used: int


@dataclass(frozen=True, slots=True)
class JoinResult:
    """How a join ended."""

    attempt: int
    ssid: bytes
    outcome: str
    message: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hotspot:
    """The setup network; `stays` says that it is up while another network is joined."""

    up: bool
    ssid: bytes
    open: bool
    address: str
    stays: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the service tells of itself; `joining` is 0 or the number of a join."""

    state: str
    joining: int
    result: JoinResult | None
    hotspot: Hotspot
    country: str
    problems: tuple[str, ...]


class Provisioning:
    """Every method raises ProvisioningUnavailable, and those that change something also Refused.

    `address` is that of the bus, the system's by default.
    """

    def __init__(self, address: str | None = None, call_seconds: float = 30.0) -> None:
        self._address = address
        self._seconds = call_seconds

    def situation(self) -> Situation:
        """How things are."""
        return self._ask(_situation)

    def networks(self, *, scan: bool = False) -> tuple[Network, ...]:
        """Networks heard lately, the best first; with `scan` after looking again."""
        found = self._call("Scan" if scan else "Networks")[0]
        return tuple(Network(**each) for each in found)

    def known(self) -> tuple[KnownNetwork, ...]:
        """Saved networks."""
        (found,) = self._call("Known")
        return tuple(KnownNetwork(each["ssid"], each["hidden"], each["used"]) for each in found)

    def forget(self, ssid: bytes) -> int:
        """Delete a saved network; how many profiles of it there were."""
        (count,) = self._call("Forget", "ay", ssid)
        return int(count)

    def remember(self, ssid: bytes, secret: bytes, options: Mapping[str, bool | str]) -> None:
        """Save a network without joining it now."""
        self._call("Remember", "ayaya{sv}", ssid, secret, _typed(options))

    def stop_hotspot(self) -> None:
        """End the setup network; known networks get the radio."""
        self._call("StopHotspot")

    def set_country(self, code: str) -> None:
        """Two letters of ISO 3166."""
        self._call("SetCountry", "s", code)

    def join(self, ssid: bytes, secret: bytes, options: Mapping[str, bool | str]) -> int:
        """Begin to join; the number of the attempt."""
        (number,) = self._call("Join", "ayaya{sv}", ssid, secret, _typed(options))
        return int(number)

    def wait(self, attempt: int, seconds: float) -> JoinResult | None:
        """The result of a join, None if there is none after so long."""
        return self._ask(lambda bus: _wait(bus, attempt, seconds))

    def _call(self, member: str, signature: str = "", *body: Any) -> tuple[Any, ...]:
        target = (SERVICE, PATH, INTERFACE)
        return self._ask(lambda bus: bus.call(*target, member, signature, *body))

    def _ask(self, question: Callable[[Bus], Awaitable[_T]]) -> _T:
        try:
            return asyncio.run(self._connected(question))
        except BusError as error:
            raise _translated(error) from error

    async def _connected(self, question: Callable[[Bus], Awaitable[_T]]) -> _T:
        bus = await connect(self._address, call_seconds=self._seconds)
        try:
            return await question(bus)
        finally:
            await bus.close()


def _translated(error: BusError) -> LunaError:
    name = error.name if isinstance(error, CallFailed) else ""
    if name in _BAD:
        return ProvisioningRefused(error.message)
    if name.startswith(_LUNA):
        return ProvisioningUnavailable(error.message, retry_after=5)
    return ProvisioningUnavailable(
        "WiFi is not managed by Luna on this machine: its provisioning service does not run. "
        "Use the system's own network settings.",
        retry_after=60,
    )


async def _situation(bus: Bus) -> Situation:
    (told,) = await bus.call(SERVICE, PATH, _PROPERTIES, "GetAll", "s", INTERFACE)
    hotspot = told["Hotspot"]
    return Situation(
        state=told["State"],
        joining=told["Joining"],
        result=_result(told["Result"]),
        hotspot=Hotspot(**{each: hotspot[each] for each in Hotspot.__match_args__}),
        country=told["Country"],
        problems=tuple(told["Problems"]),
    )


async def _wait(bus: Bus, attempt: int, seconds: float) -> JoinResult | None:
    changed = asyncio.Event()
    await bus.watch(SERVICE, PATH, lambda _: changed.set())
    try:
        async with asyncio.timeout(seconds):
            while True:
                changed.clear()
                (told,) = await bus.call(
                    SERVICE, PATH, _PROPERTIES, "Get", "ss", INTERFACE, "Result"
                )
                result = _result(told)
                if result is not None and result.attempt >= attempt:
                    return result if result.attempt == attempt else None
                await changed.wait()
    except TimeoutError:
        return None


def _result(told: Mapping[str, Any]) -> JoinResult | None:
    if not told:
        return None
    addresses = tuple(told["addresses"])
    return JoinResult(told["attempt"], told["ssid"], told["outcome"], told["message"], addresses)


def _typed(options: Mapping[str, bool | str]) -> dict[str, Variant]:
    return {
        name: Variant("b" if isinstance(value, bool) else "s", value)
        for name, value in options.items()
    }
