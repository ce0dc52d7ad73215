"""Finding Lunas on the local network."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace

from zeroconf import DNSQuestionType, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from appliance.errors import ReadingUnavailable
from appliance.mdns.places import places
from appliance.mdns.services import LUNA
from appliance.settings import MdnsSettings
from appliance.system.netlink import Network, network

_RESOLVE_MS = 3000
# An answer to one asker goes to one program of a host, and another one may be listening there too.
_TO_ALL = DNSQuestionType.QM


class NoNetwork(ReadingUnavailable):
    """This machine has no interface on which others could be found."""


@dataclass(frozen=True, slots=True)
class Device:
    """A Luna that was found; `present` is False in the news that it is gone.

    `instance` is its unique name on the network, `addresses` are those that it told, IPv4 first,
    link-local IPv6 ones with the interface they are good for. The rest is its TXT record.
    """

    instance: str
    present: bool = True
    host: str = ""
    port: int = 0
    addresses: tuple[str, ...] = ()
    id: str = ""
    name: str = ""
    version: str = ""
    board: str = ""
    api: str = "/v1"
    tls: bool = False
    auth: bool = False
    setup: bool = False

    @property
    def url(self) -> str:
        """Where its API is, by its best address; by its name where none is known."""
        where = self.addresses[0] if self.addresses else self.host
        if ":" in where:
            where = f"[{where.replace('%', '%25')}]"  # RFC 6874
        return f"{'https' if self.tls else 'http'}://{where}:{self.port}"


def discover(seconds: float = 1.5) -> tuple[Device, ...]:
    """Every Luna that is found within this time, in the order of their names.

    Raises NetlinkUnavailable or NoNetwork.
    """
    return asyncio.run(_gather(seconds))


def watch() -> AsyncGenerator[Device, None]:
    """Every Luna as it comes, changes and goes, without end.

    Raises NetlinkUnavailable or NoNetwork.
    """
    return _news(_senders(network()))


async def _news(senders: list[str]) -> AsyncGenerator[Device, None]:
    news: asyncio.Queue[Device] = asyncio.Queue()
    asking: set[asyncio.Task[None]] = set()

    def heard(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            news.put_nowait(replace(_device(name), present=False))
            return
        task = asyncio.create_task(_resolve(zeroconf, name, news))
        asking.add(task)
        task.add_done_callback(asking.discard)

    async with AsyncZeroconf(interfaces=senders) as zeroconf:
        browser = AsyncServiceBrowser(
            zeroconf.zeroconf, LUNA, handlers=[heard], question_type=_TO_ALL
        )
        try:
            while True:
                yield await news.get()
        finally:
            await browser.async_cancel()
            for task in asking:
                task.cancel()


async def _gather(seconds: float) -> tuple[Device, ...]:
    found: dict[str, Device] = {}
    devices = watch()  # before the time runs: to look at the network takes some of it
    try:
        async with asyncio.timeout(seconds):
            async for device in devices:
                found[device.instance] = device
    except TimeoutError:
        pass
    finally:
        await devices.aclose()
    present = [device for device in found.values() if device.present]
    return tuple(sorted(present, key=lambda device: device.instance))


async def _resolve(zeroconf: Zeroconf, name: str, news: asyncio.Queue[Device]) -> None:
    info = AsyncServiceInfo(LUNA, name)
    if await info.async_request(zeroconf, _RESOLVE_MS, question_type=_TO_ALL):
        addresses = tuple(sorted(info.parsed_scoped_addresses(), key=_preference))
        found = _told(_device(name), info.decoded_properties)
        news.put_nowait(
            replace(
                found,
                host=(info.server or "").rstrip("."),
                port=info.port or 0,
                addresses=addresses,
            )
        )


def _device(name: str) -> Device:
    return Device(name.removesuffix(f".{LUNA}"))


def _told(device: Device, txt: Mapping[str, str | None]) -> Device:
    """With what the TXT record says; keys are case-insensitive, unknown ones are for others."""
    said = {key.lower(): value or "" for key, value in txt.items()}
    return replace(
        device,
        id=said.get("id", ""),
        name=said.get("name", "") or device.instance,
        version=said.get("ver", ""),
        board=said.get("md", ""),
        api=said.get("api", "/v1"),
        tls=said.get("tls") == "1",
        auth=said.get("auth") == "1",
        setup=said.get("setup") == "1",
    )


def _preference(address: str) -> tuple[bool, bool, str]:
    """IPv4 before IPv6, and what needs no scope before what does."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.version == 6, parsed.is_link_local, address


def _senders(found: Network) -> list[str]:
    senders = [sender for place in places(found, MdnsSettings()) for sender in place.senders]
    if not senders:
        raise NoNetwork("This machine is on no network; connect a cable or a WiFi and try again.")
    return senders
