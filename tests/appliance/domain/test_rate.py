from __future__ import annotations

import tracemalloc
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.rate import Limiter, Verdict, household


def test_so_many_pass_and_then_none_until_the_window_is_over() -> None:
    limiter = Limiter()
    said = [limiter.take("generate", "10.0.0.1", 60, 100.0 + i / 2) for i in range(61)]
    assert [each.allowed for each in said] == [True] * 60 + [False]
    assert [each.remaining for each in said] == [*range(59, -1, -1), 0]
    assert said[0] == Verdict(True, 60, 59, 60.0)
    assert said[60].reset == 30.0
    assert said[60].wait == 30
    assert not limiter.take("generate", "10.0.0.1", 60, 159.9).allowed
    assert limiter.take("generate", "10.0.0.1", 60, 160.0) == Verdict(True, 60, 59, 60.0)


def test_classes_and_clients_are_counted_apart() -> None:
    limiter = Limiter()
    assert limiter.take("a", "10.0.0.1", 1, 0.0).allowed
    assert not limiter.take("a", "10.0.0.1", 1, 0.0).allowed
    assert limiter.take("b", "10.0.0.1", 1, 0.0).allowed
    assert limiter.take("a", "10.0.0.2", 1, 0.0).allowed


def test_refused_requests_do_not_prolong_the_wait() -> None:
    limiter = Limiter(seconds=10.0)
    limiter.take("a", "c", 1, 0.0)
    assert not any(limiter.take("a", "c", 1, second).allowed for second in range(1, 10))
    assert limiter.take("a", "c", 1, 10.0).allowed


def test_a_look_counts_nothing() -> None:
    limiter = Limiter()
    for _ in range(5):
        assert limiter.look("a", "c", 1, 0.0) == Verdict(True, 1, 1, 60.0)
    assert len(limiter) == 0
    limiter.take("a", "c", 1, 0.0)
    assert limiter.look("a", "c", 1, 30.0) == Verdict(False, 1, 0, 30.0)


def test_the_wait_is_never_nothing() -> None:
    limiter = Limiter()
    limiter.take("a", "c", 1, 0.0)
    assert limiter.take("a", "c", 1, 59.9999).wait == 1


def test_endless_addresses_are_not_remembered() -> None:
    limiter = Limiter(clients=500)
    tracemalloc.start()
    for number in range(30_000):
        assert limiter.take("a", str(IPv4Address(number)), 60, 0.0).allowed
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(limiter) == 500
    assert peak < 1_000_000


def test_what_is_over_is_forgotten() -> None:
    limiter = Limiter()
    for number in range(100):
        limiter.take("a", f"10.0.0.{number}", 60, 0.0)
    limiter.take("a", "10.0.1.1", 60, 60.0)
    assert len(limiter) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("fd00::1", "fd00::ffff:1:2:3", True),
        ("fd00::1", "fd00:0:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%wlan0", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "", True),
        ("", "::", False),
    ],
)
def test_who_is_one_client(one: str, other: str, same: bool) -> None:
    assert (household(one) == household(other)) is same


@given(st.text())
def test_any_name_is_some_client(name: str) -> None:
    assert household(household(name)) == household(name) or ":" in name


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 20)),
        max_size=200,
    ),
    st.integers(1, 5),
)
def test_no_window_holds_more_than_the_limit(steps: list[tuple[str, float]], limit: int) -> None:
    limiter = Limiter(seconds=60.0)
    now, passed = 0.0, list[tuple[str, float]]()
    for client, pause in steps:
        now += pause
        verdict = limiter.take("x", client, limit, now)
        assert 0 <= verdict.remaining <= limit
        assert 0 < verdict.reset < 60.001
        if verdict.allowed:
            passed.append((client, now))
    for client in "abc":
        times = [at for name, at in passed if name == client]
        # Two windows may meet, never three.
        assert all(sum(begin <= at < begin + 60.0 for at in times) <= 2 * limit for begin in times)
