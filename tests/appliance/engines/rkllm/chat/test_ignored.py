from __future__ import annotations

from dataclasses import fields

import pytest

from appliance.domain.requests import Generation
from appliance.domain.sampling import Sampling
from appliance.engines.rkllm.chat.ignored import ignored

EVERYTHING = Sampling(0.5, 0.9, 40, 0.1, 0.9, 1.1, 0.1, 0.2, 7, ((1, 2.0),), ignore_eos=True)
NEVER = {"min_p", "typical_p", "seed", "logit_bias", "ignore_eos", "logprobs"}


def test_every_setting_is_either_honoured_or_named() -> None:
    wanted = Generation("m", 9, ("stop",), EVERYTHING, logprobs=0, n=2)
    assert set(ignored(wanted, Sampling(), per_run=True)) == NEVER
    named = ignored(wanted, Sampling(), per_run=False)
    assert set(named) == {field.name for field in fields(Sampling)} | {"logprobs"}
    assert len(named) == len(set(named))


@pytest.mark.parametrize("per_run", [True, False])
def test_what_was_not_asked_for_is_not_named(per_run: bool) -> None:
    assert ignored(Generation("m", 9, ("stop",), n=2), EVERYTHING, per_run=per_run) == ()


def test_to_ask_for_what_is_loaded_is_no_wish_ignored() -> None:
    loaded = Sampling(temperature=0.5, ignore_eos=True)
    wanted = Generation("m", sampling=Sampling(temperature=0.5, top_p=0.9, ignore_eos=True))
    assert ignored(wanted, loaded, per_run=False) == ("top_p",)
    assert ignored(wanted, loaded, per_run=True) == ()
