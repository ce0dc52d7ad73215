from __future__ import annotations

import pytest

from appliance.engines.rkllm.domains import Domains
from appliance.errors import ModelLoadFailed

GIB = 2**30


def test_each_model_has_its_own_and_0_is_left_to_others() -> None:
    domains = Domains()
    assert [domains.take(GIB) for _ in range(15)] == list(range(1, 16))
    with pytest.raises(ModelLoadFailed, match=r"models\.max_loaded"):
        domains.take(GIB)
    domains.give_back(7)
    domains.give_back(7)
    assert domains.take(GIB) == 7


def test_a_large_model_has_neighbours() -> None:
    domains = Domains()
    assert [domains.take(size * GIB) for size in (1, 7, 1)] == [1, 2, 5]
    domains.give_back(2)
    assert domains.take(3 * GIB) == 2
    assert domains.take(3 * GIB) == 6
    assert domains.take(1) == 4


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelLoadFailed):
        Domains().take(100 * GIB)
