"""What a caller may do by where it is, and whether a web page of elsewhere speaks through it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address

from appliance.domain.hosts import is_foreign, is_here
from appliance.domain.keys import EVERYTHING, NOBODY, Scope
from appliance.errors import Forbidden
from appliance.http.exchange import Request

# A proxy says for whom it asks; then the device itself is not who wants this.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
_SAME = ("same-origin", "none")
_NOT_YOU = (
    "Only programs on the device itself may do this; run it there, or send a key that "
    "`luna keys add NAME --scope admin` makes."
)


def require_administration(request: Request) -> None:
    """Raise Forbidden unless the caller administers the device."""
    if "admin" not in request.scopes:
        raise Forbidden(_NOT_YOU)


def rights_of_place(
    request: Request, networks: Sequence[IPv4Interface | IPv6Interface]
) -> frozenset[Scope]:
    """What somebody without a key may do.

    A Unix socket's permissions are its key. Programs on the device administer it, and so does who
    is in one of `networks` and asked for this device's own address there: the setup network.
    """
    client = request.caller.client
    if client == "":
        return EVERYTHING
    if any(name in request.headers for name in _FORWARDED):
        return NOBODY
    caller, asked = _plain(client), _plain(request.address)
    if caller is not None and caller.is_loopback:
        return frozenset({"admin"})
    inside = any(asked == each.ip and caller in each.network for each in networks)
    return EVERYTHING if inside else NOBODY


def require_own_page(
    request: Request, trusted: Sequence[str] = (), *, harmless: bool = False
) -> None:
    """Raise Forbidden for what a web page of elsewhere has a browser send.

    Browsers name the page's origin, except when a page merely shows or opens an address: then they
    say at best that another site asked. One that says nothing is believed only where that is
    `harmless`: the page cannot read what it opens, and may have no key to send.
    """
    headers = request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None:
        own = _is_wingmans_window(request, origin)
        foreign = not own and is_foreign(origin, headers.get("host", ""), trusted)
    elif site is not None:
        foreign = site not in _SAME
    else:
        simple = request.method in ("GET", "HEAD") and not harmless
        foreign = simple and headers.get("user-agent", "").startswith("Mozilla/")
    if foreign:
        raise Forbidden(
            "A web page of another address may not do this; if it is your own, add its origin to "
            "access.origins."
        )


def _is_wingmans_window(request: Request, origin: str) -> bool:
    """Whether a page of this very machine asks on a port of Wingman's clients.

    Their window shows pages that a server of its own gives it on another port, and no web site can
    have such an origin.
    """
    page = origin.removeprefix("http://")
    here = is_here(page) and is_here(request.headers.get("host", ""))
    return request.dialect == "wingman" and here


def _plain(address: str) -> IPv4Address | IPv6Address | None:
    """The address itself, of what sockets for both families write; None if it is none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
