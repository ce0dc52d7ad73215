"""Phones that were told that all is well."""

from __future__ import annotations

from provisioning.portal.visitors import Visitors


def test_a_release_is_for_one_phone_and_some_time() -> None:
    now = 100.0
    visitors = Visitors(seconds=60.0, clock=lambda: now)
    visitors.release("10.42.0.7")
    assert visitors.is_released("10.42.0.7")
    assert not visitors.is_released("10.42.0.8")
    now += 60.0
    assert not visitors.is_released("10.42.0.7")


def test_only_the_newest_are_kept() -> None:
    visitors = Visitors(most=2, clock=lambda: 0.0)
    for caller in ("a", "b", "a", "c"):
        visitors.release(caller)
    assert [visitors.is_released(caller) for caller in "abc"] == [True, False, True]
