"""A router at home: hostapd on a simulated radio, with a DHCP server behind it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.image.guest.wifi.spaces import Failed, Place, eventually

_FORMS = """interface={interface}
driver=nl80211
ssid2={ssid}
utf8_ssid=1
hw_mode=g
channel={channel}
auth_algs=1
ignore_broadcast_ssid={hidden}
macaddr_acl={listed_only}
"""


class Protection(Enum):
    """How it protects itself, in the words of hostapd.conf."""

    OPEN = ""
    OWE = "wpa=2\nwpa_key_mgmt=OWE\nrsn_pairwise=CCMP\nieee80211w=2\n"
    WPA2 = "wpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase={secret}\n"
    TRANSITION = (
        "wpa=2\nwpa_key_mgmt=WPA-PSK SAE\nrsn_pairwise=CCMP\nieee80211w=1\nsae_pwe=2\n"
        "wpa_passphrase={secret}\n"
    )
    WPA3 = (
        "wpa=2\nwpa_key_mgmt=SAE\nrsn_pairwise=CCMP\nieee80211w=2\nsae_pwe=2\n"
        "sae_password={secret}\n"
    )


@dataclass(frozen=True)
class Home:
    """What the router is set to. Without `dhcp` it lets in and gives no address.

    With `listed_only` it lets nobody in, as its list is empty.
    """

    ssid: bytes
    protection: Protection = Protection.WPA2
    secret: str = "correct horse"
    hidden: bool = False
    channel: int = 1
    dhcp: bool = True
    listed_only: bool = False


class Router:
    """Its network is 10.77.0.0/24; `start` and `stop` are its switch."""

    def __init__(self, place: Place, interface: str) -> None:
        self._place = place
        self._interface = interface

    def start(self, home: Home) -> None:
        """Return when phones could see it."""
        folder, interface = self._place.folder, self._interface
        text = _FORMS.format(
            interface=interface,
            ssid=home.ssid.hex(),
            channel=home.channel,
            hidden=int(home.hidden),
            listed_only=int(home.listed_only),
        )
        text += home.protection.value.format(secret=home.secret)
        (folder / "hostapd.conf").write_text(text, "utf-8")
        (folder / "leases").unlink(missing_ok=True)
        self._place.run("ip", "addr", "replace", "10.77.0.1/24", "dev", interface)
        process = self._place.start(_hostapd(), str(folder / "hostapd.conf"))

        def is_up() -> bool:
            if process.poll() is not None:
                raise Failed(f"hostapd has ended: {self._place.logs()}")
            return "type AP" in self._place.run("iw", "dev", interface, "info")

        eventually(is_up, 20, "the router")
        if home.dhcp:
            self._place.start(
                "dnsmasq",
                "--conf-file=/dev/null",
                "--keep-in-foreground",
                "--bind-interfaces",
                "--dhcp-authoritative",
                "--port=0",
                f"--interface={interface}",
                "--dhcp-range=10.77.0.50,10.77.0.99,1h",
                f"--dhcp-leasefile={folder / 'leases'}",
            )

    def stop(self) -> None:
        """Pull its plug; nobody is told good-bye where the radio goes down first."""
        self._place.run("ip", "link", "set", self._interface, "down")
        self._place.clear()

    def guests(self) -> str:
        """Who is on its network."""
        return self._place.run("iw", "dev", self._interface, "station", "dump")


def _hostapd() -> str:
    tools = Path(__file__).parents[4] / "tools"
    found = shutil.which("hostapd", path=f"/usr/sbin:{tools}")
    if found is None:
        raise Failed(f"there is no hostapd: put its program into {tools}")
    return found
