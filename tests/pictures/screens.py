"""What a screen on the device shows, and the label for it: drawn by what the device itself uses."""

from __future__ import annotations

from appliance.cli.status.facts import Facts
from appliance.cli.status.screen import render
from appliance.domain.keys import new_secret
from appliance.label.sheet import render as print_label
from appliance.system.addresses import Place
from appliance.system.identity import Identity
from appliance.system.label import Label
from tests.pictures import console

NAME = "luna-4f2a"
_COLUMNS, _LINES = 80, 25
_LABEL = Label("Luna-4F2A", "k7rm-2xqp-9dht")
_KEY = new_secret(lambda length: bytes(range(7, 7 + length)))
_NEW = Facts(NAME, setup=_LABEL, model="luna-guide", admin_key=_KEY)
_AT_HOME = Facts(NAME, (Place("wlan0", "192.168.1.23"),), model="luna-guide")


def first_start() -> str:
    """The screen of a device that nobody has set up yet."""
    return _screen("A screen on a new device", _NEW)


def at_home() -> str:
    """The screen of a device on a network."""
    return _screen("A screen on a device that is set up", _AT_HOME)


def label() -> bytes:
    """What is printed and stuck on the box, as PNG."""
    return print_label(_LABEL, Identity("4f2a00000000", NAME), "PNG")


def _screen(title: str, facts: Facts) -> str:
    lines = render(facts, _COLUMNS - 1, _LINES - 1, colours=True)
    return console.draw(title, lines, _COLUMNS)
