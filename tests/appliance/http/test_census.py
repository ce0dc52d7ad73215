"""Who is here, and who goes first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import cast

import pytest

from appliance.http.census import Census
from appliance.http.connection import Connection, Phase
from appliance.http.limits import Limits

NUMBERS = count(3)


@dataclass(eq=False)
class Guest:
    """The part of a connection that is counted."""

    remote_addr: str
    phase: Phase
    fd: int
    charge: int = 0


@pytest.fixture
def census() -> Census:
    return Census(Limits(connections=5, connections_per_address=3))


def come(census: Census, address: str = "a", phase: Phase = Phase.WORK) -> Connection:
    guest = cast(Connection, Guest(address, phase, next(NUMBERS)))
    census.add(guest)
    return guest


def test_who_comes_is_counted_until_gone(census: Census) -> None:
    one, two = come(census), come(census)
    assert list(census) == [one, two]
    assert census.get(two.fd) is two
    census.remove(two)
    assert len(census) == 1
    assert census.get(two.fd) is None


def test_an_address_over_its_cap_makes_room_itself(census: Census) -> None:
    other = come(census, "b", Phase.IDLE)
    mine = [come(census) for _ in range(3)]
    assert census.crowd("a") is None
    mine.append(come(census))
    crowd = census.crowd("a")
    assert crowd == mine
    assert other not in crowd
    census.remove(mine[0])
    assert census.crowd("a") is None


def test_over_the_total_the_largest_crowd_makes_room(census: Census) -> None:
    crowd = [come(census, "b") for _ in range(3)]
    come(census, "c")
    come(census, "d")
    assert census.crowd("d") is None
    come(census, "a")
    assert census.crowd("a") == crowd


def test_unix_sockets_have_no_cap_of_their_own(census: Census) -> None:
    for _ in range(5):
        come(census, "")
    assert census.crowd("") is None


def test_the_cheapest_to_lose_goes_first_and_the_oldest_of_these(census: Census) -> None:
    phases = [Phase.WORK, Phase.BODY, Phase.IDLE, Phase.HEAD, Phase.GREETING, Phase.LEAVING]
    guests = [come(census, phase=phase) for phase in phases]
    newest = come(census, phase=Phase.HEAD)
    guests.append(newest)
    gone = []
    while (first := census.expendable(guests, newest)) is not None:
        guests.remove(first)
        gone.append(first.phase)
    assert gone == [Phase.LEAVING, Phase.IDLE, Phase.HEAD, Phase.GREETING, Phase.BODY]
    assert [guest.phase for guest in guests] == [Phase.WORK, Phase.HEAD]


def test_memory_is_charged_and_given_back(census: Census) -> None:
    one, two = come(census, phase=Phase.BODY), come(census, phase=Phase.BODY)
    census.charge(one, 100)
    census.charge(two, 30)
    census.charge(one, 150)
    assert census.held == 180
    census.remove(one)
    assert census.held == 30
    census.charge(two, 0)
    assert census.held == 0


def test_the_heaviest_is_an_unfinished_body(census: Census) -> None:
    working, large, small = come(census), come(census, phase=Phase.BODY), come(census)
    census.charge(working, 500)
    census.charge(large, 100)
    census.charge(small, 10)
    assert census.heaviest(small) is large
    census.charge(small, 101)
    assert census.heaviest(small) is small
