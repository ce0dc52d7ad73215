from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.rkllm.chat.pooling import CONFIG, Pooling, embedding, pooling_of
from appliance.errors import BadRequest, EngineError, ModelLoadFailed

STATES = array("f", [3, 4, 0, 0, 0, 2])  # two tokens of three values


def test_the_last_token() -> None:
    assert embedding(STATES, 3, Pooling.LAST) == (0.0, 0.0, 1.0)
    assert embedding(STATES[:3], 3, Pooling.LAST) == pytest.approx((0.6, 0.8, 0.0))


def test_the_mean() -> None:
    length = math.sqrt(1.5**2 + 2**2 + 1)
    assert embedding(STATES, 3, Pooling.MEAN) == pytest.approx(
        (1.5 / length, 2 / length, 1 / length)
    )


def test_dimensions_are_cut_and_normalised_again() -> None:
    assert embedding(STATES, 3, Pooling.MEAN, 2) == pytest.approx((0.6, 0.8))
    assert embedding(STATES, 3, Pooling.MEAN, 3) == embedding(STATES, 3, Pooling.MEAN)
    assert embedding(STATES[:3], 3, Pooling.LAST, 1) == (1.0,)
    with pytest.raises(BadRequest, match="has 3 dimensions") as why:
        embedding(STATES, 3, Pooling.MEAN, 4)
    assert why.value.param == "dimensions"


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=24),
    st.integers(1, 4),
    st.sampled_from(Pooling),
)
def test_every_vector_has_length_one(values: list[float], rows: int, pooling: Pooling) -> None:
    try:
        vector = embedding(array("f", values * rows), len(values), pooling)
    except EngineError:
        assert math.hypot(*values) < 1e-30
    else:
        assert math.hypot(*vector) == pytest.approx(1.0)
        scale = math.hypot(*values)
        assert vector == pytest.approx([value / scale for value in values], abs=1e-6)


@pytest.mark.parametrize(
    ("values", "columns"),
    [([], 3), ([1.0], 0), ([1.0, 2.0], 3), ([0.0, 0.0], 2), ([math.nan, 1.0], 2), ([math.inf], 1)],
)
def test_states_that_make_no_vector_are_an_error(values: list[float], columns: int) -> None:
    for pooling in Pooling:
        with pytest.raises(EngineError):
            embedding(array("f", values), columns, pooling)


def test_the_model_says_how_it_pools(tmp_path: Path) -> None:
    assert pooling_of(tmp_path) is Pooling.MEAN
    file = tmp_path / CONFIG
    file.parent.mkdir()
    file.write_text('{"word_embedding_dimension": 1024, "pooling_mode_lasttoken": true}')
    assert pooling_of(tmp_path) is Pooling.LAST
    file.write_text('{"pooling_mode_mean_tokens": true}')
    assert pooling_of(tmp_path) is Pooling.MEAN
    file.write_text("{")
    with pytest.raises(ModelLoadFailed, match=r"config\.json"):
        pooling_of(tmp_path)
