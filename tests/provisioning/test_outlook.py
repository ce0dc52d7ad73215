from __future__ import annotations

from provisioning.nm.names import Capability, Mode
from provisioning.nm.profile import Profile
from provisioning.outlook import describe
from provisioning.situation import World
from tests.provisioning.sights import radio, sight

HOME = Profile("/Settings/2", "u", b"home", "infrastructure", False, "wpa-psk", 0, 0)
HOST = Profile("/Settings/1", "s", b"Luna-1", "ap", False, "wpa-psk", 0, 0)


def test_a_fresh_box() -> None:
    assert describe(sight(radio()), (), 0) == World(manager=True, radios=1, can_host=True)


def test_our_own_network_is_none_that_was_joined() -> None:
    host = radio(state=100, mode=Mode.ACCESS_POINT)
    seen = describe(sight(host, hosted_by=host), (HOST,), 2)
    assert seen == World(manager=True, radios=1, can_host=True, hosting=True, guests=2)


def test_our_own_network_on_its_way_is_nothing_to_wait_for() -> None:
    host = radio(state=50)
    seen = describe(sight(host, hosted_by=host, host_up=False), (), 0)
    assert not seen.pending
    assert not seen.hosting


def test_a_joined_network() -> None:
    seen = describe(sight(radio(state=100)), (HOME,), 0)
    assert seen.wireless
    assert seen.known
    assert seen.connected


def test_a_network_on_its_way_is_waited_for() -> None:
    assert describe(sight(radio(state=70)), (), 0).pending
    assert describe(sight(radio(), cable=70), (), 0).pending


def test_a_cable_counts_when_it_leads_further() -> None:
    assert describe(sight(cable=100), (), 0).wired
    assert not describe(sight(cable=100, gateway=""), (), 0).wired
    assert not describe(sight(cable=70), (), 0).wired


def test_radios_that_are_off_or_cannot_host() -> None:
    seen = describe(sight(radio(0, state=20), radio(1, capabilities=Capability(0))), (), 0)
    assert (seen.radios, seen.can_host) == (1, False)
