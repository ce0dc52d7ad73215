import pytest

from appliance.mdns import browser
from appliance.mdns.browser import Device, NoNetwork
from appliance.settings import MdnsSettings
from appliance.system.netlink import Address, Link, Network


@pytest.mark.parametrize(
    ("device", "url"),
    [
        (Device("a", port=80, addresses=("10.0.0.1", "fd00::1")), "http://10.0.0.1:80"),
        (Device("a", port=80, addresses=("fd00::1",)), "http://[fd00::1]:80"),
        (Device("a", port=80, addresses=("fe80::1%eth0",)), "http://[fe80::1%25eth0]:80"),
        (Device("a", port=443, host="luna-ab12.local", tls=True), "https://luna-ab12.local:443"),
    ],
)
def test_a_device_has_a_url(device: Device, url: str) -> None:
    assert device.url == url


def test_text_records_are_read_whatever_they_say() -> None:
    told = browser._told(
        Device("Kitchen"), {"ID": "ab12", "tls": "1", "auth": "yes", "new": "x", "md": None}
    )
    assert (told.id, told.name, told.tls, told.auth, told.board) == (
        "ab12",
        "Kitchen",
        True,
        False,
        "",
    )


def test_a_machine_without_a_network_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link(1, "lo", running=True, multicast=False, loopback=True, point_to_point=False)
    own = Address("lo", "127.0.0.1", 8, 4, up=True, wireless=False)
    monkeypatch.setattr(browser, "network", lambda: Network((link,), (own,)))
    assert MdnsSettings().interfaces == ()
    with pytest.raises(NoNetwork, match="connect a cable"):
        browser.discover(0.1)
