"""Simulated radios, and who has which: the box, a router, a phone."""

from __future__ import annotations

import time
from pathlib import Path

from tests.image.guest.wifi.box import Box
from tests.image.guest.wifi.phone import Phone
from tests.image.guest.wifi.router import Router
from tests.image.guest.wifi.spaces import Place, eventually, run

_FOLDER = Path("/run/luna-wifi-test")
_NET = Path("/sys/class/net")


class Lab:
    """`wlan0` is the box's; `drawer` has a spare radio, and takes others that are unplugged."""

    def __init__(self) -> None:
        run("modprobe", "mac80211_hwsim", "radios=4")
        eventually(lambda: (_NET / "wlan3").exists(), 20, "simulated radios")
        self.places = [Place(name, _FOLDER / name) for name in ("router", "phone", "drawer")]
        for place in self.places:
            place.make()
        self._phys = {
            f"wlan{number}": (_NET / f"wlan{number}/phy80211/name").read_text().strip()
            for number in range(4)
        }
        router, phone, self._drawer = self.places
        for interface, place in (("wlan1", router), ("wlan2", phone), ("wlan3", self._drawer)):
            self._give(interface, place)
        self.router = Router(router, "wlan1")
        self.phone = Phone(phone, "wlan2")
        self.box = Box()

    def unplug(self, interface: str) -> None:
        """Take a radio from the box."""
        self._give(interface, self._drawer)

    def plug(self, interface: str) -> None:
        """Give the box a radio from the drawer."""
        self._drawer.run("iw", "phy", self._phys[interface], "set", "netns", "1")

    def quiet(self) -> None:
        """Nobody but the box is on the air."""
        self.phone.leave()
        self.router.stop()

    def logs(self) -> dict[str, str]:
        """What everybody has said."""
        return {key: text for place in self.places for key, text in place.logs().items()}

    def _give(self, interface: str, place: Place) -> None:
        run("iw", "phy", self._phys[interface], "set", "netns", "name", place.name)


class Watch:
    """A stopwatch: `lap` is the time since the last lap, to a tenth of a second."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def lap(self) -> float:
        begin, self._begin = self._begin, time.monotonic()
        return round(self._begin - begin, 1)
