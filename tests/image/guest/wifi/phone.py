"""A phone: it joins a network, gets an address, asks as its system does, and opens the page."""

from __future__ import annotations

import http.client
import secrets
import socket
import struct
import time
import urllib.parse
from dataclasses import dataclass

from tests.image.guest.wifi import dhcp
from tests.image.guest.wifi.spaces import Failed, Place, eventually

_A, _AAAA = 1, 28


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP; field names in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


class Phone:
    """One simulated radio with wpa_supplicant."""

    def __init__(self, place: Place, interface: str) -> None:
        self._place = place
        self._interface = interface
        self.lease: dhcp.Lease | None = None

    def join(self, ssid: bytes, passphrase: str = "", seconds: float = 60.0) -> float:
        """Be on a network, with an address; how long that took. It comes back by itself."""
        begin = time.monotonic()
        lines = [f"ssid={ssid.hex()}", "scan_ssid=1"]
        lines.append(f'psk="{passphrase}"' if passphrase else "key_mgmt=NONE")
        text = (
            f"ctrl_interface={self._place.folder}/ctrl\nnetwork={{\n" + "\n".join(lines) + "\n}\n"
        )
        (self._place.folder / "phone.conf").write_text(text, "utf-8")
        self._place.run("ip", "link", "set", self._interface, "up")
        self._place.start(
            "wpa_supplicant", f"-i{self._interface}", f"-c{self._place.folder}/phone.conf"
        )
        self.wait_until_on(seconds)
        self.lease = self._place_lease()
        return time.monotonic() - begin

    def leave(self) -> None:
        """Be on no network."""
        self._place.clear()
        self._place.run("ip", "addr", "flush", "dev", self._interface)
        self._place.run("ip", "link", "set", self._interface, "down")
        self.lease = None

    def is_on(self) -> bool:
        """Whether the access point has let it in."""
        words = ("wpa_cli", f"-p{self._place.folder}/ctrl", f"-i{self._interface}", "status")
        try:
            return "wpa_state=COMPLETED" in self._place.run(*words)
        except Failed:
            return False

    def wait_until_on(self, seconds: float) -> None:
        eventually(self.is_on, seconds, "the phone on the network")

    def _place_lease(self) -> dhcp.Lease:
        with self._place.inside():
            lease = dhcp.ask(self._interface)
        own = f"{lease.address}/{lease.prefix}"
        self._place.run("ip", "addr", "replace", own, "dev", self._interface)
        self._place.run("ip", "route", "replace", "default", "via", lease.router)
        return lease

    def look_up(self, name: str, kind: int = _A) -> list[str]:
        """Addresses of a name by the network's DNS. Raises Failed."""
        if self.lease is None:
            raise Failed("the phone has no lease")
        number = secrets.token_bytes(2)
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        query = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0)
        query += labels + b"\0" + struct.pack("!HH", kind, 1)
        with self._place.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(2.0)
            for _ in range(5):
                wire.sendto(query, (self.lease.name_server, 53))
                try:
                    answer = wire.recv(1500)
                except TimeoutError:
                    continue
                if answer[:2] == number:
                    return _addresses(answer, len(query))
        raise Failed(f"no answer for {name}")

    def look_up_ipv6(self, name: str) -> list[str]:
        return self.look_up(name, _AAAA)

    def ask(
        self,
        address: str,
        host: str,
        path: str,
        agent: str = "",
        form: dict[str, str] | None = None,
        seconds: float = 15.0,
    ) -> Reply:
        """Ask a web server; `form` is posted as the page at `host` would. Raises OSError."""
        fields = {"Host": host, "Connection": "close", "User-Agent": agent}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form, encoding="utf-8")
            fields["Content-Type"] = "application/x-www-form-urlencoded"
            fields["Origin"] = f"http://{host}"
        with self._place.inside():
            connection = http.client.HTTPConnection(address, 80, timeout=seconds)
            try:
                connection.request("GET" if form is None else "POST", path, body, fields)
                reply = connection.getresponse()
                named = {key.lower(): value for key, value in reply.getheaders()}
                return Reply(reply.status, named, reply.read())
            finally:
                connection.close()

    def refusal(self, address: str, port: int) -> float:
        """Seconds until a connection is refused. Raises Failed when it is not."""
        begin = time.monotonic()
        with self._place.inside(), socket.socket() as wire:
            wire.settimeout(10.0)
            try:
                wire.connect((address, port))
            except ConnectionRefusedError:
                return time.monotonic() - begin
            except OSError as error:
                raise Failed(f"port {port}: {error}, where a refusal was expected") from error
        raise Failed(f"port {port} is open")


def _addresses(answer: bytes, start: int) -> list[str]:
    """Of the answer section, which begins behind the question."""
    (count,) = struct.unpack_from("!H", answer, 6)
    found = []
    for _ in range(count):
        while answer[start] and answer[start] < 192:
            start += 1 + answer[start]
        start += 2 if answer[start] >= 192 else 1
        kind, _, _, length = struct.unpack_from("!HHIH", answer, start)
        start += 10
        data = answer[start : start + length]
        if kind in (_A, _AAAA):
            family = socket.AF_INET if kind == _A else socket.AF_INET6
            found.append(socket.inet_ntop(family, data))
        start += length
    return found
