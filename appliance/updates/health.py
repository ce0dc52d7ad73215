"""Whether the services of a device are well, as seen from beside them."""

from __future__ import annotations

import http.client
from pathlib import Path

from appliance.system.bus import Bus, BusError
from appliance.system.unix_http import UnixConnection

UNITS = ("luna-api", "luna-mdns", "luna-provisioning", "luna-watchdog")
API_SOCKET = Path("/run/luna-api.sock")
_SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
_MANAGER = "org.freedesktop.systemd1.Manager"
_UNIT = "org.freedesktop.systemd1.Unit"
_SECONDS = 10.0


async def ills(bus: Bus, api: Path = API_SOCKET) -> tuple[str, ...]:
    """A sentence for each thing that is wrong; none where all is well."""
    states = [(unit, await _state(bus, f"{unit}.service")) for unit in UNITS]
    found = [f"{unit} is {state}" for unit, state in states if state != "active"]
    if not answers(api):
        found.append("the server does not answer")
    return tuple(found)


def answers(api: Path) -> bool:
    """Whether the server says on its socket that it is healthy."""
    connection = UnixConnection(str(api), timeout=_SECONDS)
    try:
        connection.request("GET", "/v1/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def _state(bus: Bus, unit: str) -> str:
    try:
        (path,) = await bus.call(*_SYSTEMD, _MANAGER, "LoadUnit", "s", unit)
        properties = "org.freedesktop.DBus.Properties"
        where = (_SYSTEMD[0], path, properties)
        (state,) = await bus.call(*where, "Get", "ss", _UNIT, "ActiveState")
    except BusError as error:
        return f"not known ({error.message})"
    return str(state)
