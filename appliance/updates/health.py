"""Whether the services of a device are well, as seen from beside them."""

from __future__ import annotations

import http.client
from pathlib import Path

from appliance.system.bus import Bus, BusError
from appliance.system.units import states
from appliance.system.unix_http import UnixConnection

UNITS = ("luna-api", "luna-mdns", "luna-provisioning", "luna-watchdog")
API_SOCKET = Path("/run/luna-api.sock")
_SECONDS = 10.0


async def ills(bus: Bus, api: Path = API_SOCKET) -> tuple[str, ...]:
    """A sentence for each thing that is wrong; none where all is well."""
    known = await _states(bus)
    found = [f"{unit} is {state}" for unit, state in known.items() if state != "active"]
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


async def _states(bus: Bus) -> dict[str, str]:
    services = {f"{unit}.service": unit for unit in UNITS}
    try:
        found = await states(bus, list(services))
    except BusError as error:
        return dict.fromkeys(UNITS, f"not known ({error.message})")
    return {services[name]: state for name, state in found.items()}
