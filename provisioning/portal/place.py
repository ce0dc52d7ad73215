"""Where the portal is, and who may use it: rules for hosts, callers and forms."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Self

from provisioning.credentials import printable
from provisioning.payloads import SetupNetwork

_HTTP = 80
_SCHEME = "http://"


@dataclass(frozen=True, slots=True)
class Place:
    """The setup network as phones see it.

    `name` is the host name without a domain, `network` the name of the setup network. The page
    is at the first of `addresses`, `address/prefix`; DNS may answer with another one of them.
    Callers have to be in the network of that first address.
    """

    name: str
    network: str
    addresses: tuple[str, ...] = ("10.42.0.1/24",)
    port: int = _HTTP

    @classmethod
    def on(cls, setup: SetupNetwork, name: str) -> Self:
        """The portal of that setup network."""
        return cls(
            name, printable(setup.ssid), tuple(filter(None, (setup.address, setup.dns_answer)))
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses without their prefixes."""
        return tuple(each.partition("/")[0] for each in self.addresses)

    @property
    def home(self) -> str:
        """URL of the setup page, on the setup network."""
        port = "" if self.port == _HTTP else f":{self.port}"
        return f"http://{self.hosts[0]}{port}/"

    @property
    def next(self) -> str:
        """URL of the device once it is on a network."""
        return f"http://{self.name}.local/"

    def is_home(self, authority: str) -> bool:
        """Whether a Host field, or the authority of a URL, is this portal's own.

        A name that its owner points at us (DNS rebinding) is not.
        """
        host, port = split_authority(authority)
        names = (*self.hosts, self.name, f"{self.name}.local")
        return port == self.port and host in names

    def admits(self, caller: str) -> bool:
        """Whether that address is on the setup network.

        Where a cable or a second radio is connected too, others could reach the address.
        """
        return ip_address(caller) in ip_interface(self.addresses[0]).network

    def sent_by_page(self, authority: str, origin: str | None, referer: str | None) -> bool:
        """Whether a form came from this page: browsers say so in Origin, old ones in Referer."""
        told = origin if origin is not None else referer
        if told is None or not told.startswith(_SCHEME):
            return False
        sender = told.removeprefix(_SCHEME).partition("/")[0]
        return self.is_home(authority) and split_authority(sender) == split_authority(authority)


def split_authority(authority: str) -> tuple[str, int]:
    """Host in lower case and port of `host`, `host:port` or `[v6]:port`; port 0 for nonsense."""
    host, colon, port = authority.strip().lower().rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority.strip().lower(), str(_HTTP)
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else 0
    return host.removesuffix("."), number
