from __future__ import annotations

import pytest

from luna_client import Retry


@pytest.mark.parametrize(
    ("attempt", "told", "waited", "pause"),
    [
        (0, None, 0, 1.0),
        (2, None, 3, 4.0),
        (3, None, 7, None),  # three times are enough
        (0, 7.0, 0, 7.0),  # the Luna knows best
        (0, 61.0, 0, None),  # but that is too long
        (1, 31.0, 30, None),
        (1, 30.0, 30, 30.0),
    ],
)
def test_pauses(attempt: int, told: float | None, waited: float, pause: float | None) -> None:
    assert Retry(times=3, seconds=60).pause(attempt, told, waited) == pause


def test_it_can_be_turned_off() -> None:
    assert Retry(times=0).pause(0, None, 0) is None
