from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import model_size

GIB = 2**30
SIZES = st.integers(0, 2**42)


@given(SIZES)
def test_what_is_recommended_fits_and_nothing_much_larger_does(total: int) -> None:
    size = model_size.recommended_bytes(total)
    if size:
        assert model_size.fits(size, total)
        assert not model_size.fits(size + 64, total)


@given(SIZES, SIZES)
def test_more_memory_never_recommends_less(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert model_size.recommended_bytes(small) <= model_size.recommended_bytes(large)


@given(SIZES)
def test_the_system_keeps_a_part(total: int) -> None:
    assert 0 <= model_size.usable_bytes(total) <= total - min(total, GIB)


@pytest.mark.parametrize(("memory", "least", "most"), [(4, 2, 2.6), (8, 4.5, 5.5), (16, 10, 11)])
def test_the_sizes_for_usual_boards(memory: int, least: float, most: float) -> None:
    size = model_size.recommended_bytes(memory * GIB) / GIB
    assert least <= size <= most


def test_a_small_machine_runs_nothing() -> None:
    assert model_size.recommended_bytes(GIB) == 0
    assert not model_size.fits(1, GIB)


def test_weights_at_about_five_bits() -> None:
    assert model_size.parameters(5 * GIB) == 8 * GIB


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (135_000_000, "135M"),
        (7_600_000_000, "7.6B"),
        (70_000_000_000, "70B"),
        (12_345, "12K"),
    ],
)
def test_a_number_of_weights_is_spoken_shortly(count: int, text: str) -> None:
    assert model_size.spoken(count) == text
