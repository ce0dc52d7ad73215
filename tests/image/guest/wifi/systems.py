"""How phones and computers ask whether they are online, and what they have to hear.

Written from the makers' documents and from what others have observed, not from Luna's own table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.image.guest.wifi.page import ADDRESS
from tests.image.guest.wifi.phone import Phone, Reply
from tests.image.guest.wifi.spaces import Failed


@dataclass(frozen=True)
class System:
    """One question; `status` and the beginning of the body are what the real server answers."""

    name: str
    host: str
    path: str
    agent: str = ""
    status: int = 200
    body: bytes = b""


_IOS = "CaptiveNetworkSupport-481.0.1 wispr"
_SUCCESS = b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
_ANDROID = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/60.0.3112.32 Safari/537.36"
SYSTEMS = (
    System("iOS", "captive.apple.com", "/hotspot-detect.html", _IOS, 200, _SUCCESS),
    System("macOS", "www.apple.com", "/library/test/success.html", _IOS, 200, _SUCCESS),
    System("Android", "connectivitycheck.gstatic.com", "/generate_204", _ANDROID, 204),
    System("Android, fallback", "www.google.com", "/gen_204", _ANDROID, 204),
    System("Android, China", "www.googleapis.cn", "/generate_204", _ANDROID, 204),
    System("Samsung", "connectivity.samsung.com.cn", "/generate_204", _ANDROID, 204),
    System(
        "Windows",
        "www.msftconnecttest.com",
        "/connecttest.txt",
        "Microsoft NCSI",
        200,
        b"Microsoft Connect Test",
    ),
    System("Windows 8", "www.msftncsi.com", "/ncsi.txt", "Microsoft NCSI", 200, b"Microsoft NCSI"),
    System(
        "Firefox",
        "detectportal.firefox.com",
        "/canonical.html",
        "Firefox/140.0",
        200,
        b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"',
    ),
    System("Firefox, 2nd", "detectportal.firefox.com", "/success.txt", "", 200, b"success"),
    System(
        "GNOME", "nmcheck.gnome.org", "/check_network_status.txt", "", 200, b"NetworkManager is on"
    ),
    System("Debian", "network-test.debian.org", "/nm", "", 200, b"NetworkManager is online"),
    System("Ubuntu", "connectivity-check.ubuntu.com", "/", "", 204),
    System(
        "Kindle",
        "spectrum.s3.amazonaws.com",
        "/kindle-wifi/wifistub.html",
        "",
        200,
        b"<html>",
    ),
)


def check_captive(phone: Phone) -> None:
    """Every system finds the portal, at once. Raises Failed."""
    for system, reply in _asked(phone):
        location = reply.fields.get("location")
        if (reply.status, location) != (302, f"http://{ADDRESS}/") or reply.body:
            raise Failed(f"{system.name} is answered {reply.status}, {location}, {reply.body!r}")
        if reply.fields.get("content-length") != "0" or "no-store" not in str(reply.fields):
            raise Failed(f"{system.name} may keep the redirection: {reply.fields}")
    for host in ("www.google.com", "captive.apple.com"):
        if phone.look_up_ipv6(host):
            raise Failed(f"{host} has an IPv6 address, which leads nowhere")
    took = phone.refusal(ADDRESS, 443)
    if took > 2.0:
        raise Failed(f"HTTPS was refused only after {took:.1f} s")


def check_online(phone: Phone) -> None:
    """Every system takes the network for a good one. Raises Failed."""
    for system, reply in _asked(phone):
        if reply.status != system.status or not reply.body.startswith(system.body):
            raise Failed(f"{system.name} is answered {reply.status}, {reply.body!r}")
        if system.status == 204 and reply.body:
            raise Failed(f"{system.name} gets a 204 with a body")


def _asked(phone: Phone) -> Iterator[tuple[System, Reply]]:
    for system in SYSTEMS:
        (address,) = phone.look_up(system.host)
        yield system, phone.ask(address, system.host, system.path, system.agent)
