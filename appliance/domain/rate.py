"""How often a client may ask: so many requests in a window that begins with the first of them."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

MINUTE = 60.0
_CLIENTS = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; `reset` is in seconds from now, when all of `limit` is back."""

    allowed: bool
    limit: int
    remaining: int
    reset: float

    @property
    def wait(self) -> int:
        """Whole seconds after which a request passes surely; at least 1."""
        return max(1, math.ceil(self.reset))


@dataclass(slots=True)
class _Window:
    began: float
    used: int = 0


class Limiter:
    """Counts requests by class and client in windows of `seconds`; for any thread.

    A fixed window tells its clients the very moment when they may go on, and needs two numbers a
    client; its price is that two windows' worth may come close together, one at the end of the
    first and one at the start of the second. At most `clients` windows are remembered. With more
    the oldest are forgotten: an attacker with a million addresses makes room for himself only, and
    nobody who is new is refused.
    """

    def __init__(self, seconds: float = MINUTE, clients: int = _CLIENTS) -> None:
        self._seconds = seconds
        self._clients = clients
        self._lock = threading.Lock()
        # All windows are equally long, so that the order of their beginnings is that of their ends.
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, kind: str, client: str, limit: int, now: float) -> Verdict:
        """Count one request of a class, unless the client's share of it is used up."""
        return self._judge(kind, client, limit, now, 1)

    def look(self, kind: str, client: str, limit: int, now: float) -> Verdict:
        """What `take` would say, without counting anything."""
        return self._judge(kind, client, limit, now, 0)

    def _judge(self, kind: str, client: str, limit: int, now: float, count: int) -> Verdict:
        key = (kind, household(client))
        with self._lock:
            self._forget(now)
            window = self._windows.get(key)
            if window is None:
                window = _Window(now)
                if count:
                    self._windows[key] = window
                    if len(self._windows) > self._clients:
                        self._windows.popitem(last=False)
            allowed = window.used < limit
            if allowed:
                window.used += count
            remaining = max(0, limit - window.used)
            return Verdict(allowed, limit, remaining, window.began + self._seconds - now)

    def _forget(self, now: float) -> None:
        """Drop the windows that are over; they are all at the front."""
        while self._windows:
            first = next(iter(self._windows))
            if now < self._windows[first].began + self._seconds:
                return
            del self._windows[first]


def household(client: str) -> str:
    """Whom an address is counted as: itself, or its /64, of which an IPv6 host has all addresses.

    An IPv4 address that is written as IPv6 is that IPv4 address; a name is itself.
    """
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return client
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 64), strict=False))
