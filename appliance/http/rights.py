"""Who may change what this device has: until there are keys, the device itself alone."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from appliance.errors import Forbidden
from appliance.http.exchange import Request


def require_administration(request: Request) -> None:
    """Raise Forbidden unless a program on this machine asks, and no web page of elsewhere."""
    if not _is_local(request.caller.client):
        raise Forbidden("Only programs on the device itself may do this; run it there.")
    require_own_page(request)


def require_own_page(request: Request) -> None:
    """Raise Forbidden for what a web page of elsewhere has a browser send."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("A web page of another address may not do this.")


def _is_local(client: str) -> bool:
    """Whether an address is this machine's own; "" is a Unix socket."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client == ""
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
