from __future__ import annotations

from provisioning.permissions import NEEDED, problems

ALL = {f"org.freedesktop.NetworkManager.{each}": "yes" for each in NEEDED}


def test_nothing_is_missing() -> None:
    assert problems(ALL) == ()


def test_what_is_missing_is_named_with_what_comes_of_it() -> None:
    (sentence,) = problems(ALL | {"org.freedesktop.NetworkManager.wifi.scan": "auth"})
    assert "wifi.scan" in sentence
    assert "list of networks" in sentence
    assert "polkit" in sentence


def test_an_old_networkmanager_that_knows_none_of_them() -> None:
    assert len(problems({})) == len(NEEDED)
