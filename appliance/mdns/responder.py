"""Announcing on one interface, and answering there: python-zeroconf, kept to that interface."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Self

from zeroconf import DNSAddress, DNSOutgoing, RecordUpdate, RecordUpdateListener, Zeroconf
from zeroconf import ServiceInfo as Info
from zeroconf.asyncio import AsyncZeroconf

from appliance.mdns.channel import bind_to_interface
from appliance.mdns.claims import (
    AAAA,
    DOMAIN,
    HOST_TTL,
    OTHER_TTL,
    RESPONSE,
    UNIQUE,
    A,
    Claims,
    text,
)
from appliance.mdns.guard import Guard
from appliance.mdns.naming import Names
from appliance.mdns.places import Place
from appliance.mdns.services import Service


class Responder:
    """Owner of the names on one interface, with the addresses that it has there.

    It never changes: for other names or addresses it is closed and another one opened. Every
    Zeroconf hears one interface only, so that it never answers with addresses of another.
    """

    def __init__(self, zeroconf: AsyncZeroconf, infos: list[Info], guard: Guard) -> None:
        self._zeroconf = zeroconf
        self._infos = infos
        self._guard = guard

    @classmethod
    async def open(
        cls,
        place: Place,
        names: Names,
        services: Iterable[Service],
        claims: Callable[[], Claims],
        disputed: Callable[[frozenset[str]], None],
    ) -> Self:
        """Answer from now on; `disputed` is told when somebody else uses one of our names.

        Raises OSError or RuntimeError when the interface, or an address of it, went away.
        """
        zeroconf = AsyncZeroconf(interfaces=list(place.senders))
        try:
            await zeroconf.zeroconf.async_wait_for_start()
            for reader in zeroconf.zeroconf.engine.readers:
                bind_to_interface(reader.transport.get_extra_info("socket"), place.interface)
            infos = [_info(place, names, service) for service in services]
            for info in infos:
                zeroconf.zeroconf.registry.async_add(info)
            zeroconf.zeroconf.async_add_listener(_Watch(claims, disputed), None)
            guard = Guard(place, names.host, infos[0])
            await guard.open()
        except BaseException:
            await zeroconf.async_close()
            raise
        return cls(zeroconf, infos, guard)

    def announce(self, gone: Iterable[str] = ()) -> None:
        """Tell everything once, in one message; and that the addresses `gone` are no longer ours.

        Others drop older addresses by the cache-flush bit, unless no address of that family is
        left to carry it.
        """
        out = DNSOutgoing(RESPONSE)
        for info in self._infos:
            out.add_answer_at_time(info.dns_pointer(), 0)
            out.add_answer_at_time(info.dns_service(), 0)
            out.add_answer_at_time(info.dns_text(), 0)
        for record in self._infos[0].get_address_and_nsec_records():
            out.add_answer_at_time(record, 0)
        for address in gone:
            packed = ipaddress.ip_address(address).packed
            kind, host = A if len(packed) == 4 else AAAA, str(self._infos[0].server)
            out.add_answer_at_time(DNSAddress(host, kind, UNIQUE, 0, packed), 0)
        self._zeroconf.zeroconf.async_send(out)

    async def close(self, *, goodbye: bool) -> None:
        """Stop answering; with a goodbye (RFC 6762, 10.1) others forget us at once."""
        if not goodbye:
            self._zeroconf.zeroconf.registry.async_remove(self._infos)
        await self._guard.close()
        await self._zeroconf.async_close()


class _Watch(RecordUpdateListener):
    """Tells of records that dispute our names (RFC 6762, 9)."""

    def __init__(
        self, claims: Callable[[], Claims], disputed: Callable[[frozenset[str]], None]
    ) -> None:
        super().__init__()
        self._claims = claims
        self._disputed = disputed

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """Part of the protocol of zeroconf."""
        if names := self._claims().disputed(update.new for update in records):
            self._disputed(names)


def _info(place: Place, names: Names, service: Service) -> Info:
    return Info(
        service.type,
        f"{names.instance}.{service.type}",
        port=service.port,
        properties=text(service),
        server=f"{names.host}.{DOMAIN}",
        host_ttl=HOST_TTL,
        other_ttl=OTHER_TTL,
        parsed_addresses=list(place.addresses),
    )
