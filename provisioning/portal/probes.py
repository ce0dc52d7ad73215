"""The questions by which phones find out whether they are online, and the answers they expect.

Sources: AOSP NetworkMonitor and its config.xml; Firefox's preferences captivedetect.*; Microsoft's
description of NCSI; NetworkManager.conf(5), section "connectivity". Apple and Amazon publish
nothing: theirs are as observed by others.
"""

from __future__ import annotations

from dataclasses import dataclass

_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; one without a body has no media type either."""

    status: int
    body: bytes = b""
    kind: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One question, and what the real server would say. Nothing stands for anything.

    `agent` is part of the User-Agent field, `hosts` are in lower case, `paths` without a query.
    """

    system: str
    online: Answer
    hosts: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    agent: str = ""

    def matches(self, host: str, path: str, agent: str) -> bool:
        """Whether a request is this question."""
        return (
            (not self.hosts or host in self.hosts)
            and (not self.paths or path in self.paths)
            and self.agent in agent
        )


def find(host: str, path: str, agent: str = "") -> Probe | None:
    """The probe that a request is: its host in lower case without a port, its path decoded."""
    return next((probe for probe in PROBES if probe.matches(host, path, agent)), None)


def redirect(home: str) -> Answer:
    """Send a browser, or a phone that looks for a portal, to the setup page.

    Always a 302: Android takes an empty 200 for a broken network, and before version 12 opens a
    page of its own with any other one.
    """
    return Answer(302, fields=(("Location", home),))


def _probe(system: str, online: Answer, hosts: str = "", paths: str = "", agent: str = "") -> Probe:
    return Probe(system, online, frozenset(hosts.split()), frozenset(paths.split()), agent)


def _text(body: str, *fields: tuple[str, str]) -> Answer:
    return Answer(200, body.encode(), _TEXT, fields)


def _page(body: str) -> Answer:
    return Answer(200, body.encode(), _HTML)


_SUCCESS = _page("<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>")
_FIREFOX = (
    '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
)
_KINDLE = "81ce4465-7167-4dcb-835b-dcc9e44c112a"
_STATUS = ("X-NetworkManager-Status", "online")
_MANAGER = _text("NetworkManager is online\n", _STATUS)

# The first that matches decides.
PROBES = (
    # Apple asks one of a pool of hosts, some of them with a path of random letters.
    _probe("apple", _SUCCESS, agent="CaptiveNetworkSupport"),
    _probe(
        "apple",
        _SUCCESS,
        """captive.apple.com gsp1.apple.com www.appleiphonecell.com www.itools.info
        www.ibook.info www.airport.us www.thinkdifferent.us""",
    ),
    _probe("apple", _SUCCESS, "www.apple.com", "/library/test/success.html"),
    # Samsung, Huawei, Xiaomi, Fire OS, ChromeOS and others have hosts of their own for this path.
    _probe("android", Answer(204), paths="/generate_204 /gen_204"),
    _probe(
        "windows",
        _text("Microsoft Connect Test"),
        "www.msftconnecttest.com ipv6.msftconnecttest.com",
        "/connecttest.txt",
    ),
    _probe("windows", _text("Microsoft NCSI"), "www.msftncsi.com ipv6.msftncsi.com", "/ncsi.txt"),
    _probe("firefox", _page(_FIREFOX), "detectportal.firefox.com", "/canonical.html"),
    _probe("firefox", _text("success\n"), "detectportal.firefox.com", "/success.txt"),
    _probe("gnome", _MANAGER, "nmcheck.gnome.org", "/check_network_status.txt"),
    _probe("debian", _MANAGER, "network-test.debian.org", "/nm"),
    _probe("ubuntu", Answer(204, fields=(_STATUS,)), "connectivity-check.ubuntu.com"),
    _probe("fedora", _text("OK\n", _STATUS), "fedoraproject.org", "/static/hotspot.txt"),
    _probe("arch", _MANAGER, "ping.archlinux.org", "/nm-check.txt"),
    _probe(
        "kindle",
        _page(f"<html><head><!--{_KINDLE}--></head><body>{_KINDLE}</body></html>"),
        "spectrum.s3.amazonaws.com",
        "/kindle-wifi/wifistub.html",
    ),
)
