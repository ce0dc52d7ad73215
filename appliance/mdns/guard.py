"""Defending the host name: who probes for it must learn that it is taken (RFC 6762, 8.1).

python-zeroconf answers questions for any record of a service, but not of a host name.
"""

from __future__ import annotations

import asyncio

from zeroconf import DNSIncoming, DNSOutgoing, ServiceInfo

from appliance.mdns.channel import Channel
from appliance.mdns.claims import ANY, DOMAIN, RESPONSE
from appliance.mdns.places import Place

_AT_MOST_EVERY_S = 0.25  # what the RFC allows for probes (6)


class Guard:
    """Answers for `host` on one interface, with the addresses of `info`, when all are asked for."""

    def __init__(self, place: Place, host: str, info: ServiceInfo) -> None:
        self._name = f"{host}.{DOMAIN}".lower()
        self._info = info
        self._channel = Channel(place.interface, place.index, self._hear, about=host.lower())
        self._answered = 0.0

    async def open(self) -> None:
        """Listen from now on; raises OSError."""
        await self._channel.open()

    async def close(self) -> None:
        """Stop listening."""
        await self._channel.close()

    def _hear(self, message: DNSIncoming) -> None:
        now = asyncio.get_running_loop().time()
        if self._asked(message) and now - self._answered >= _AT_MOST_EVERY_S:
            self._answered = now
            out = DNSOutgoing(RESPONSE)
            for record in self._info.get_address_and_nsec_records():
                out.add_answer_at_time(record, 0)
            self._channel.send(out)

    def _asked(self, message: DNSIncoming) -> bool:
        return message.is_query() and any(
            question.type == ANY and question.name.lower() == self._name
            for question in message.questions
        )
