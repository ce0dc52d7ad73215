from __future__ import annotations

from pathlib import Path

from appliance.domain.inference import Options
from appliance.engines.base import ModelSpec
from appliance.serving.wishes import Wishes

SPEC = ModelSpec("a", Path("a.gguf"), 1, context=4096, chat_template="own")


def test_without_a_wish_nothing_changes() -> None:
    assert Wishes().applied(SPEC) == SPEC


def test_a_wish_counts_until_it_is_dropped() -> None:
    wishes = Wishes()
    wishes.set("a", Options(512, 7, "{{ messages }}"))
    applied = wishes.applied(SPEC)
    assert (applied.context, applied.gpu_layers) == (512, 7)
    assert applied.chat_template == "{{ messages }}"
    assert wishes.applied(ModelSpec("b", Path("b.gguf"), 1)).context == 0
    wishes.set("a", Options(gpu_layers=1))
    assert wishes.applied(SPEC).context == 4096
    wishes.drop("a")
    wishes.drop("a")
    assert wishes.applied(SPEC) == SPEC
