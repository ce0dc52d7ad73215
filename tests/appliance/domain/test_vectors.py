from __future__ import annotations

import math

import pytest

from appliance.domain.vectors import shortened
from appliance.errors import BadRequest


def test_a_shorter_vector_has_length_one_again() -> None:
    assert shortened((3.0, 4.0, 12.0), 2) == (0.6, 0.8)
    assert math.hypot(*shortened((1.0, 2.0, 2.0), 3)) == pytest.approx(1)
    assert shortened((0.0, 1.0), 1) == (0.0,)


def test_no_vector_grows() -> None:
    with pytest.raises(BadRequest, match="have 2") as caught:
        shortened((1.0, 0.0), 3)
    assert caught.value.param == "dimensions"
