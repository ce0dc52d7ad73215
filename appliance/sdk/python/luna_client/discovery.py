"""Finding Lunas on the local network, with the extra `discover` of this package."""

from __future__ import annotations

import ipaddress
import queue
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import DiscoveryFailed

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, Zeroconf

SERVICE = "_luna._tcp.local."


@dataclass(frozen=True, slots=True)
class Device:
    """A Luna on the network; what the fields mean stands in its TXT record's table.

    `id` stays the same whatever the device is called and wherever it is. `addresses` has IPv4
    first; link-local IPv6 ones name the interface that they are good for.
    """

    id: str
    name: str
    host: str
    port: int
    addresses: tuple[str, ...]
    version: str = ""
    board: str = ""
    tls: bool = False
    auth: bool = False
    setup: bool = False

    @property
    def url(self) -> str:
        """Its best address, for LunaClient."""
        where = self.addresses[0] if self.addresses else self.host
        if ":" in where:
            where = f"[{where.replace('%', '%25')}]"  # RFC 6874
        return f"{'https' if self.tls else 'http'}://{where}:{self.port}"


def discover(
    seconds: float = 2.0, clock: Callable[[], float] = time.monotonic
) -> tuple[Device, ...]:
    """Every Luna that answers within this time, by name.

    Raises DiscoveryFailed where the extra is not installed or there is no network.
    """
    try:
        from zeroconf import DNSQuestionType, Error, ServiceBrowser, ServiceStateChange, Zeroconf
    except ImportError as error:
        raise DiscoveryFailed(
            "To find devices, install this package with its extra: luna-client[discover]."
        ) from error
    to_all = DNSQuestionType.QM  # an answer to one asker reaches only one program of a host
    news: queue.Queue[tuple[str, bool]] = queue.Queue()

    def heard(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        news.put((name, state_change is not ServiceStateChange.Removed))

    found: dict[str, Device] = {}
    deadline = clock() + seconds
    try:
        with closing(Zeroconf()) as zeroconf:
            browser = ServiceBrowser(zeroconf, SERVICE, handlers=[heard], question_type=to_all)
            while (left := deadline - clock()) > 0:
                try:
                    name, present = news.get(timeout=left)
                except queue.Empty:
                    break
                found.pop(name, None)
                if present:
                    wait = 1000 * max(0.0, deadline - clock())
                    info = zeroconf.get_service_info(SERVICE, name, int(wait), to_all)
                    if info is not None:
                        found[name] = _device(info)
            browser.cancel()
    except (OSError, Error) as error:
        raise DiscoveryFailed(
            f"The local network cannot be searched ({error}); is this machine on one?"
        ) from error
    return tuple(sorted(found.values(), key=lambda device: device.name))


def _device(info: ServiceInfo) -> Device:
    txt = _lower(info.decoded_properties)
    return Device(
        id=txt.get("id", ""),
        name=txt.get("name") or info.get_name(),
        host=(info.server or "").rstrip("."),
        port=info.port or 0,
        addresses=tuple(sorted(info.parsed_scoped_addresses(), key=_preference)),
        version=txt.get("ver", ""),
        board=txt.get("md", ""),
        tls=txt.get("tls") == "1",
        auth=txt.get("auth") == "1",
        setup=txt.get("setup") == "1",
    )


def _lower(properties: Mapping[str, str | None]) -> dict[str, str]:
    """Keys are compared without regard to case (RFC 6763, 6.4)."""
    return {key.lower(): value or "" for key, value in properties.items()}


def _preference(address: str) -> tuple[bool, bool, str]:
    """IPv4 before IPv6, and what needs no interface before what does."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.version == 6, parsed.is_link_local, address
