"""What people do, and what happens to them; every scenario tells what it measures on its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from tests.image.guest.wifi import page
from tests.image.guest.wifi.box import LABEL, SETUP
from tests.image.guest.wifi.lab import Lab, Watch
from tests.image.guest.wifi.page import Page
from tests.image.guest.wifi.router import Home, Protection
from tests.image.guest.wifi.spaces import Failed, eventually, run
from tests.image.guest.wifi.systems import check_captive, check_online

# Names of measurements, and seconds.
Figures = Iterator[tuple[str, float]]
Scenario = Callable[[Lab], Figures]
ROUTER = "10.77.0.1"
HOME = Home('Zuhause 🌙 "5" ,\\\''.encode())
# Seconds that no step may take, on an emulated processor too.
SLOW = 150.0
_TRIES = 3


def check(condition: object, what: str) -> None:
    """Raise Failed unless it holds."""
    if not condition:
        raise Failed(what)


def onboarding(lab: Lab) -> Figures:
    """A fresh box; a phone with the label's passphrase; a typing error, then the right password."""
    box, phone, watch = lab.box, lab.phone, Watch()
    lab.router.start(HOME)
    box.configure()
    watch.lap()
    box.wait_until_hosting(SLOW)
    yield "setup_network_s", watch.lap()
    phone.join(SETUP.encode(), LABEL)
    yield "phone_joins_s", watch.lap()
    check(phone.lease and phone.lease.router == page.ADDRESS, "the way leads elsewhere")
    check(phone.lease and phone.lease.portal is None, "option 114 is sent")
    check_captive(phone)
    yield "probes_s", watch.lap()
    opened = Page.open(phone)
    yield "page_s", watch.lap()
    check(opened.lists(HOME.ssid), f"the home network is not listed: {opened.text}")
    told = opened.choose(HOME.ssid, "wrong horse")
    check(SETUP in told.text, f"nobody says what will happen: {told.text}")
    watch.lap()
    eventually(lambda: page.state(phone).get("outcome"), SLOW, "an answer")
    yield "wrong_password_to_answer_s", watch.lap()
    check(page.state(phone)["outcome"] == "wrong_password", f"told {page.state(phone)}")
    opened = Page.open(phone)
    check("password" in opened.text.lower(), f"the page does not say it: {opened.text}")
    opened.choose(HOME.ssid, HOME.secret)
    watch.lap()
    box.wait_for("online", SLOW)
    yield "good_password_to_online_s", watch.lap()
    check_home(lab, HOME)


def check_home(lab: Lab, home: Home) -> None:
    """The box is on that network, for good, and nothing else is left. Raises Failed."""
    addresses = lab.box.addresses("wlan0")
    check(any(each.startswith("10.77.0.") for each in addresses), f"addresses: {addresses}")
    check(lab.box.reaches(ROUTER), "the router does not answer")
    result = lab.box.read("Result")
    check(result["outcome"] == "connected" and result["ssid"] == home.ssid, f"told {result}")
    saved = lab.box.saved()
    check(len(saved) == 1, f"profiles: {sorted(saved)}")
    check(not home.secret or home.secret in next(iter(saved.values())), "the password is not kept")


def kinds_of_protection(lab: Lab) -> Figures:
    """One network after the other, each joined from the setup network."""
    odd = bytes(range(0xE0, 0x100))
    homes = {
        "wpa3": Home(b"home three", Protection.WPA3),
        "transition": Home(b"both", Protection.TRANSITION, "pässwörd 🌙"),
        "open": Home(b"free for all", Protection.OPEN, ""),
        "owe": Home(b"enhanced", Protection.OWE, ""),
        "32_bytes_that_are_no_text": Home(odd, Protection.WPA2, channel=11),
        "hidden": Home(b"hidden one", Protection.WPA2, hidden=True),
        "hidden_wpa3": Home(b"hidden three", Protection.WPA3, hidden=True),
    }
    lab.box.configure()
    lab.box.wait_until_hosting(SLOW)
    for name, home in homes.items():
        lab.router.start(home)
        lab.box.host(SLOW)
        options = {"hidden": True} if home.hidden else {}
        # Frames are sent again where an emulated router is slow, which may spoil a handshake.
        for _ in range(_TRIES):
            watch = Watch()
            lab.box.join(home.ssid, home.secret, **options)
            result = lab.box.result(SLOW)
            yield f"{name}_{result['outcome']}_s", watch.lap()
            if result["outcome"] == "connected":
                break
            lab.box.wait_until_hosting(SLOW)
        check(result["outcome"] == "connected", f"{name}: {result}")
        check_home(lab, home)
        lab.router.stop()


def failures(lab: Lab) -> Figures:
    """What goes wrong is told by its name, with the setup network back afterwards."""
    # Each has a name of its own, because a radio remembers how a network was protected.
    cases = {
        "wpa2_wrong_password": (Home(b"wpa2"), "wrong horse", "wrong_password"),
        "wpa3_wrong_password": (Home(b"wpa3", Protection.WPA3), "wrong horse", "wrong_password"),
        "both_wrong_password": (
            Home(b"both", Protection.TRANSITION),
            "wrong horse",
            "wrong_password",
        ),
        "not_admitted": (Home(b"list", listed_only=True), "correct horse", "refused"),
        "no_address": (Home(b"no dhcp", dhcp=False), "correct horse", "no_address"),
        "password_for_an_open_one": (Home(b"open", Protection.OPEN), "any word", "mismatch"),
    }
    lab.box.configure()
    for name, (home, secret, outcome) in cases.items():
        lab.router.start(home)
        lab.box.wait_until_hosting(SLOW)
        yield from _failure(lab, name, home.ssid, secret, outcome)
        lab.router.stop()
    yield from _failure(lab, "not_in_range", b"nowhere", "correct horse", "not_in_range")


def _failure(lab: Lab, name: str, ssid: bytes, secret: str, outcome: str) -> Figures:
    watch = Watch()
    lab.box.join(ssid, secret)
    result = lab.box.result(SLOW)
    check(result["outcome"] == outcome, f"{name}: {result}")
    lab.box.wait_until_hosting(SLOW)
    yield f"{name}_and_setup_back_s", watch.lap()
    check(lab.box.saved() == {}, f"left behind: {sorted(lab.box.saved())}")


def router_power_cycle(lab: Lab) -> Figures:
    """The router is off for a moment, then for so long that the setup network comes."""
    go_home(lab, HOME, {"lost": 20.0, "retry_every": 60.0})
    watch = Watch()
    lab.router.stop()
    lab.box.wait_for("lost", SLOW)
    yield "noticed_s", watch.lap()
    lab.router.start(HOME)
    lab.box.wait_for("online", SLOW)
    yield "back_after_a_moment_s", watch.lap()
    lab.router.stop()
    lab.box.wait_for("hotspot", SLOW)
    yield "setup_network_after_s", watch.lap()
    lab.router.start(HOME)
    lab.box.wait_for("online", 420)
    yield "back_by_itself_s", watch.lap()
    check(lab.box.reaches(ROUTER), "the router does not answer")


def go_home(lab: Lab, home: Home, limits: Mapping[str, float] = {}) -> None:
    """Be online, the short way."""
    lab.router.start(home)
    lab.box.configure(limits=limits)
    lab.box.wait_for("hotspot", SLOW)
    lab.box.join(home.ssid, home.secret)
    check(lab.box.result(SLOW)["outcome"] == "connected", f"told {lab.box.read('Result')}")
    lab.box.wait_for("online", SLOW)


def moving_house(lab: Lab) -> Figures:
    """Another router, another name: a phone tells it; the old network is still known."""
    there = Home(b"Neues Haus", Protection.WPA3, "new house 1")
    go_home(lab, HOME, {"lost": 20.0})
    lab.router.stop()
    lab.router.start(there)
    watch = Watch()
    lab.box.wait_for("hotspot", SLOW)
    yield "setup_network_after_s", watch.lap()
    lab.phone.join(SETUP.encode(), LABEL)
    opened = Page.open(lab.phone)
    if not opened.lists(there.ssid):
        opened = opened.press("/rescan")
    watch.lap()
    opened.choose(there.ssid, there.secret)
    lab.box.wait_for("online", SLOW)
    yield "online_s", watch.lap()
    check(lab.box.reaches(ROUTER), "the router does not answer")
    known = {each["ssid"] for each in lab.box.call("Known")}
    check(known == {HOME.ssid, there.ssid}, f"known: {known}")


def change_while_online(lab: Lab) -> Figures:
    """A wrong password for another network costs nothing: the old one is back."""
    go_home(lab, HOME)
    watch = Watch()
    lab.box.join(HOME.ssid, "wrong horse")
    result = lab.box.result(SLOW)
    check(result["outcome"] == "wrong_password", f"told {result}")
    lab.box.wait_for("online", SLOW)
    check(lab.box.reaches(ROUTER), "the old network did not come back")
    check(HOME.secret in next(iter(lab.box.saved().values())), "the good password is lost")
    yield "wrong_password_and_back_s", watch.lap()


def radio_vanishes(lab: Lab) -> Figures:
    """It is pulled out and put back, first as the setup network, then at home."""
    lab.router.start(HOME)
    lab.box.configure()
    lab.box.wait_until_hosting(SLOW)
    watch = Watch()
    lab.unplug("wlan0")
    lab.box.wait_for("waiting", SLOW)
    yield "noticed_s", watch.lap()
    lab.plug("wlan0")
    eventually(lambda: lab.box.read("Hotspot")["up"], SLOW, "the setup network")
    yield "setup_network_back_s", watch.lap()
    lab.box.join(HOME.ssid, HOME.secret)
    check(lab.box.result(SLOW)["outcome"] == "connected", "not joined")
    lab.unplug("wlan0")
    lab.box.wait_for("waiting", SLOW)
    watch.lap()
    lab.plug("wlan0")
    lab.box.wait_for("online", SLOW)
    yield "online_again_s", watch.lap()


def second_radio(lab: Lab) -> Figures:
    """With two radios the phone stays, sees how it went, and is let go."""
    lab.router.start(HOME)
    lab.plug("wlan3")
    try:
        yield from _second_radio(lab)
    finally:
        lab.unplug("wlan3")


def _second_radio(lab: Lab) -> Figures:
    lab.box.configure(passphrase="")
    lab.box.wait_for("hotspot", SLOW)
    eventually(lambda: lab.box.read("Hotspot")["stays"], SLOW, "both radios")
    lab.phone.join(SETUP.encode())
    watch = Watch()
    opened = Page.open(lab.phone)
    if not opened.lists(HOME.ssid):
        opened = opened.press("/rescan")
    opened.choose(HOME.ssid, HOME.secret)
    eventually(lambda: page.state(lab.phone).get("view") == "joined", SLOW, "the good news")
    yield "online_and_told_s", watch.lap()
    check_captive(lab.phone)
    Page.open(lab.phone).press("/done")
    check_online(lab.phone)
    eventually(lambda: not lab.box.read("Hotspot")["up"], 200, "the end of the setup network")
    yield "setup_network_ends_s", watch.lap()


def killed(lab: Lab) -> Figures:
    """The service dies, as the setup network and in a join; nobody is locked out."""
    lab.router.start(HOME)
    lab.box.configure()
    lab.box.wait_until_hosting(SLOW)
    for where in ("hosting", "joining"):
        if where == "joining":
            lab.box.join(HOME.ssid, "wrong horse")
            time.sleep(4.0)  # somewhere in the middle
        watch = Watch()
        lab.box.kill()
        eventually(lambda: lab.box.state() == "hotspot", SLOW, "the service")
        lab.box.wait_until_hosting(SLOW)
        yield f"killed_while_{where}_back_s", watch.lap()
        check(lab.box.saved() == {}, f"left behind: {sorted(lab.box.saved())}")


def networkmanager_restarts(lab: Lab) -> Figures:
    """The same for NetworkManager, as the setup network and at home."""
    lab.router.start(HOME)
    lab.box.configure()
    lab.box.wait_until_hosting(SLOW)
    watch = Watch()
    run("systemctl", "restart", "NetworkManager")
    eventually(lambda: not lab.box.read("Hotspot")["up"], SLOW, "the end of the setup network")
    eventually(lambda: lab.box.read("Hotspot")["up"], SLOW, "the setup network")
    yield "hosting_again_s", watch.lap()
    lab.box.join(HOME.ssid, HOME.secret)
    check(lab.box.result(SLOW)["outcome"] == "connected", "not joined")
    watch.lap()
    run("systemctl", "restart", "NetworkManager")
    eventually(lambda: lab.box.state() != "online", SLOW, "a loss that is noticed")
    lab.box.wait_for("online", SLOW)
    yield "online_again_s", watch.lap()


def country(lab: Lab) -> Figures:
    """The kernel obeys the country that a person chose."""
    lab.box.configure()
    lab.box.wait_for("hotspot", SLOW)
    watch = Watch()
    lab.box.call("SetCountry", "s", "DE")
    eventually(lambda: "country DE" in run("iw", "reg", "get"), 20, "the rules of DE")
    check(lab.box.read("Country") == "DE", "the service does not know it")
    yield "set_s", watch.lap()


SCENARIOS: tuple[Scenario, ...] = (
    onboarding,
    kinds_of_protection,
    failures,
    change_while_online,
    second_radio,
    radio_vanishes,
    killed,
    networkmanager_restarts,
    moving_house,
    router_power_cycle,
    country,
)
