"""Each system's question gets the answer that its real server would give."""

from __future__ import annotations

import pytest

from provisioning.portal.probes import PROBES, find, redirect

APPLE = "CaptiveNetworkSupport-481 wispr"
ASKED = [
    ("apple", "captive.apple.com", "/hotspot-detect.html", APPLE, 200, "Success</TITLE>"),
    ("apple", "www.thinkdifferent.us", "/TgvdkOZ1/BHVTQoca.html", "", 200, ">Success<"),
    ("apple", "www.apple.com", "/library/test/success.html", "", 200, ">Success<"),
    ("apple", "apple.com", "/", APPLE, 200, ">Success<"),
    ("android", "connectivitycheck.gstatic.com", "/generate_204", "", 204, ""),
    ("android", "www.google.com", "/gen_204", "", 204, ""),
    ("android", "play.googleapis.com", "/generate_204", "", 204, ""),
    ("android", "connectivitycheck.samsung.com", "/generate_204", "", 204, ""),
    ("windows", "www.msftconnecttest.com", "/connecttest.txt", "", 200, "Microsoft Connect Test"),
    ("windows", "www.msftncsi.com", "/ncsi.txt", "", 200, "Microsoft NCSI"),
    ("firefox", "detectportal.firefox.com", "/canonical.html", "", 200, "kb/captive-portal"),
    ("firefox", "detectportal.firefox.com", "/success.txt", "", 200, "success\n"),
    ("gnome", "nmcheck.gnome.org", "/check_network_status.txt", "", 200, "NetworkManager is onl"),
    ("debian", "network-test.debian.org", "/nm", "", 200, "NetworkManager is online"),
    ("ubuntu", "connectivity-check.ubuntu.com", "/", "", 204, ""),
    ("fedora", "fedoraproject.org", "/static/hotspot.txt", "", 200, "OK"),
    ("arch", "ping.archlinux.org", "/nm-check.txt", "", 200, "NetworkManager is online"),
    ("kindle", "spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html", "", 200, "81ce4465-"),
]


@pytest.mark.parametrize(("system", "host", "path", "agent", "status", "body"), ASKED)
def test_a_probe_is_known(
    system: str, host: str, path: str, agent: str, status: int, body: str
) -> None:
    probe = find(host, path, agent)
    assert probe is not None
    assert probe.system == system
    assert probe.online.status == status
    assert body in probe.online.body.decode()
    assert bool(body) == bool(probe.online.kind)


def test_every_probe_of_the_table_is_tried() -> None:
    assert {find(host, path, agent) for _, host, path, agent, *_ in ASKED} == set(PROBES)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("www.google.com", "/"),
        ("www.apple.com", "/"),
        ("www.msftconnecttest.com", "/redirect"),
        ("detectportal.firefox.com", "/"),
        ("example.org", "/hotspot-detect.html"),
    ],
)
def test_other_pages_of_the_same_hosts_are_no_probes(host: str, path: str) -> None:
    assert find(host, path) is None


def test_networkmanager_believes_the_field_and_the_body() -> None:
    for name in ("gnome", "debian", "ubuntu", "fedora", "arch"):
        (probe,) = [probe for probe in PROBES if probe.system == name]
        assert ("X-NetworkManager-Status", "online") in probe.online.fields


def test_a_redirect_has_a_place_and_no_body() -> None:
    answer = redirect("http://10.42.0.1/")
    assert (answer.status, answer.body) == (302, b"")
    assert answer.fields == (("Location", "http://10.42.0.1/"),)
