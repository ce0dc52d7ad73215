from __future__ import annotations

from provisioning.nm.names import NOTHING
from provisioning.nm.profile import Profile
from provisioning.retry import candidates
from tests.provisioning.sights import point


def profile(ssid: bytes, *, hidden: bool = False, priority: int = 0, used: int = 0) -> Profile:
    return Profile("/" + ssid.decode(), "u", ssid, "infrastructure", hidden, "", priority, used)


def test_known_networks_that_are_heard_come_first_then_hidden_ones() -> None:
    known = (
        profile(b"away"),
        profile(b"old", used=1),
        profile(b"new", used=2),
        profile(b"loved", priority=1),
        profile(b"secret", hidden=True),
    )
    heard = (point(b"new", 1), point(b"old", 2), point(b"loved", 3), point(b"other", 4))
    found = [(each.ssid, path) for each, path in candidates(known, heard)]
    assert found == [
        (b"loved", "/AP/3"),
        (b"new", "/AP/1"),
        (b"old", "/AP/2"),
        (b"secret", NOTHING),
    ]


def test_the_strongest_point_is_used() -> None:
    heard = (point(b"home", 1, strength=20), point(b"home", 2, strength=80))
    ((_, path),) = candidates((profile(b"home"),), heard)
    assert path == "/AP/2"


def test_nothing_known_is_nothing_to_try() -> None:
    assert candidates((), (point(b"home"),)) == ()
