"""The connections of one server: who is here, how many per address, and who goes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from appliance.http.connection import Connection, Phase
from appliance.http.limits import Limits

# In this order a connection is given up for a newer one; those in work never are.
_EXPENDABLE = {Phase.LEAVING: 0, Phase.GREETING: 1, Phase.HEAD: 1, Phase.IDLE: 1, Phase.BODY: 2}


class Census:
    """Connections by file descriptor, in the order of their arrival; used by one thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._here: dict[int, Connection] = {}
        self._per_address: Counter[str] = Counter()
        self.held = 0
        """Bytes of request bodies in memory."""

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._here.values()))

    def __len__(self) -> int:
        return len(self._here)

    def get(self, fd: int) -> Connection | None:
        """The connection with this file descriptor."""
        return self._here.get(fd)

    def add(self, connection: Connection) -> None:
        """Count a new connection."""
        self._here[connection.fd] = connection
        self._per_address[connection.remote_addr] += 1

    def remove(self, connection: Connection) -> None:
        """Forget a connection and what it held."""
        self.charge(connection, 0)
        del self._here[connection.fd]
        self._per_address[connection.remote_addr] -= 1
        if not self._per_address[connection.remote_addr]:
            del self._per_address[connection.remote_addr]

    def charge(self, connection: Connection, size: int) -> None:
        """Set how many bytes of a body the connection holds in memory."""
        self.held += size - connection.charge
        connection.charge = size

    def crowd(self, address: str) -> list[Connection] | None:
        """Those among whom one must go after `address` has got a connection more, or None.

        Over its own cap an address makes room itself, else the one with the most connections does.
        """
        if address and self._per_address[address] > self._limits.connections_per_address:
            return self._of(address)
        if len(self._here) > self._limits.connections:
            return self._of(max(self._per_address, key=self._per_address.__getitem__))
        return None

    def expendable(self, crowd: list[Connection], newest: Connection) -> Connection | None:
        """The oldest of those that cost least to lose, or None if all but `newest` are in work."""
        candidates = [one for one in crowd if one.phase in _EXPENDABLE and one is not newest]
        return min(candidates, key=lambda one: _EXPENDABLE[one.phase], default=None)

    def heaviest(self, besides: Connection) -> Connection:
        """The unfinished body that holds most memory, `besides` included."""
        unfinished = (one for one in self._here.values() if one.phase is Phase.BODY)
        return max([besides, *unfinished], key=lambda one: one.charge)

    def _of(self, address: str) -> list[Connection]:
        return [one for one in self._here.values() if one.remote_addr == address]
