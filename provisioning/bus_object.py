"""`org.luna.Provisioning1`: the service as other programs see it.

| method | |
| --- | --- |
| `Scan() → aa{sv}` | scan now, then as `Networks` |
| `Networks() → aa{sv}` | heard lately: ssid ay, security s, strength y, frequency u, age u |
| `Join(ay ssid, ay secret, a{sv} options) → u` | begin to join; the number to find in `Result` |
| `Remember(ay ssid, ay secret, a{sv} options)` | save a network without joining it now |
| `Forget(ay ssid) → u` | how many profiles of it were deleted |
| `Known() → aa{sv}` | saved networks: ssid ay, hidden b, priority i, used t |
| `StartHotspot()`, `StopHotspot()` | the setup network |
| `SetCountry(s)` | two letters of ISO 3166; decides about channels |

Options: hidden b, security s, identity s, method s (peap, ttls), anonymous s, domain s,
certificate s (PEM).

Properties, each with PropertiesChanged: State s, Joining u (number of the join under way, else 0),
Result a{sv} (attempt u, ssid ay, outcome s, message s, addresses as), Hotspot a{sv} (up b, ssid ay,
open b, address s, guests u, stays b: also during a join), Country s, Problems as.
"""

from __future__ import annotations

from typing import Any, Final

from appliance.errors import Retryable
from appliance.system.bus import Bus, Call
from appliance.system.bus_service import Interface, Method, Objects, Property
from appliance.system.provisioning_names import INTERFACE, PATH, SERVICE
from provisioning import answers, radios
from provisioning.country import Country
from provisioning.nm import profile, settings, snapshot
from provisioning.nm.link import Gone
from provisioning.payloads import station
from provisioning.scan import scan
from provisioning.service import Service
from provisioning.situation import State

_SHOWN: Final = ("State", "Joining", "Result", "Hotspot", "Country", "Problems")
_LIST: Final = "aa{sv}"
_CREDENTIALS: Final = "ayaya{sv}"


class NoRadio(Retryable):
    """There is no WiFi to do it with."""

    code = "no_radio"


class BusObject:
    """Answers calls with what the service does; tells changed properties."""

    def __init__(self, bus: Bus, service: Service, country: Country) -> None:
        self._bus = bus
        self._service = service
        self._country = country
        self._link = service.means.link
        self._objects = Objects(bus)
        self._told: dict[str, Any] = {}

    async def offer(self) -> None:
        """Become `org.luna.Provisioning1`. Raises NameTaken or CallFailed."""
        self._objects.add(PATH, self._interface())
        self._told = self._values()
        self._service.on_change(self.tell)
        await self._bus.own(SERVICE)

    def tell(self) -> None:
        """Send the properties that have changed since the last time."""
        now = self._values()
        changed = [name for name in _SHOWN if now[name] != self._told[name]]
        self._told = now
        if changed:
            self._objects.changed(PATH, INTERFACE, *changed)

    def _interface(self) -> Interface:
        service = self._service
        return Interface(
            INTERFACE,
            (
                Method("Scan", "", _LIST, self._scan),
                Method("Networks", "", _LIST, self._networks),
                Method("Join", _CREDENTIALS, "u", self._join),
                Method("Remember", _CREDENTIALS, "", self._remember),
                Method("Forget", "ay", "u", self._forget),
                Method("Known", "", _LIST, self._known),
                Method("StartHotspot", "", "", self._start_hotspot),
                Method("StopHotspot", "", "", self._stop_hotspot),
                Method("SetCountry", "s", "", self._set_country),
            ),
            (
                Property("State", "s", lambda: service.model.state),
                Property("Joining", "u", self._joining),
                Property("Result", "a{sv}", lambda: answers.last_result(service.attempt)),
                Property("Hotspot", "a{sv}", lambda: answers.setup_network(service)),
                Property("Country", "s", lambda: self._country.code),
                Property("Problems", "as", lambda: list(service.problems)),
            ),
        )

    def _values(self) -> dict[str, Any]:
        return dict(self._interface().values())

    def _joining(self) -> int:
        return self._service.number if self._service.model.state is State.JOINING else 0

    async def _scan(self, call: Call) -> tuple[Any, ...]:
        radio = radios.to_join(await snapshot.look(self._link))
        if radio is None:
            raise NoRadio("There is no WiFi radio; plug one in, or wait until it has started.")
        await scan(self._service.means, radio.path)
        return await self._networks(call)

    async def _networks(self, call: Call) -> tuple[Any, ...]:
        means = self._service.means
        now = means.clock.now()
        return ([answers.network(each, now) for each in means.survey.networks()],)

    async def _join(self, call: Call) -> tuple[Any, ...]:
        return (self._service.join(answers.credentials(*call.body)),)

    async def _remember(self, call: Call) -> tuple[Any, ...]:
        wanted = answers.credentials(*call.body)
        heard = self._service.means.survey.networks()
        kinds = [each.security for each in heard if each.ssid == wanted.ssid]
        fitting = [kind for kind in kinds if kind in wanted.fits]
        security = wanted.security or next(iter(fitting), wanted.likely_security)
        await settings.add(self._link, station(wanted, security))
        self._service.stir()
        return ()

    async def _forget(self, call: Call) -> tuple[Any, ...]:
        (ssid,) = call.body
        count = 0
        for each in await settings.profiles(self._link):
            if each.joins and each.ssid == ssid:
                try:
                    await profile.delete(self._link, each.path)
                except Gone:
                    continue
                count += 1
        self._service.stir()
        return (count,)

    async def _known(self, call: Call) -> tuple[Any, ...]:
        found = await settings.profiles(self._link)
        return ([answers.known(each) for each in found if each.joins],)

    async def _start_hotspot(self, call: Call) -> tuple[Any, ...]:
        if not self._service.model.world.can_host:
            raise NoRadio("No WiFi radio here can make a network of its own.")
        self._service.switch_hotspot(on=True)
        return ()

    async def _stop_hotspot(self, call: Call) -> tuple[Any, ...]:
        self._service.switch_hotspot(on=False)
        return ()

    async def _set_country(self, call: Call) -> tuple[Any, ...]:
        await self._country.set(*call.body)
        self.tell()
        return ()
