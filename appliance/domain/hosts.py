"""Which names mean this server, and which web pages are its own: what browsers are trusted with.

A page of elsewhere can give its own name this server's address (DNS rebinding), and its scripts
then read every answer. It cannot do that under an address, or a name that no public DNS gives out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

# RFC 6762 (local), 6761 (localhost), 8375 (home.arpa), ICANN 2024 (internal); `lan` is what many
# routers call their network, and nobody can register it.
_PRIVATE = ("local", "localhost", "home.arpa", "internal", "lan")
_PORT = re.compile(r":\d*\Z")
# Programs with a window show their pages under these; no web site can have such an origin.
_PROGRAMS = ("app", "file", "tauri", "vscode-webview", "vscode-file")


class Names:
    """The names that mean this server: addresses, private ones, and `more`, of which "*" is all."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._more = frozenset(name.casefold().rstrip(".") for name in more)

    def has(self, host: str) -> bool:
        """Whether a Host header, with or without a port, names this server.

        A name without a dot does: there are none in public DNS. So does no name at all, which no
        browser sends.
        """
        name = _PORT.sub("", host).casefold().rstrip(".")
        if "*" in self._more or name in self._more or _is_address(name):
            return True
        return "." not in name or name.endswith(tuple(f".{suffix}" for suffix in _PRIVATE))


def is_foreign(origin: str, host: str, trusted: Iterable[str] = ()) -> bool:
    """Whether an Origin header is that of a web page which does not belong to this server.

    `host` is the Host header that came with it. `trusted` are further origins, "*" for all.
    """
    known = {each.casefold().rstrip("/") for each in trusted}
    if known & {"*", origin.casefold().rstrip("/")}:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True
    if parts.scheme in _PROGRAMS:
        return False
    return not parts.netloc or parts.netloc.casefold() != host.casefold()


def is_here(host: str) -> bool:
    """Whether a name, with or without a port, means the machine that it is said on."""
    name = _PORT.sub("", host).casefold().strip("[]")
    return name == "localhost" or (_is_address(name) and ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True
