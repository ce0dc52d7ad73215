from __future__ import annotations

import shutil
from pathlib import Path

from appliance.http.dialects.browserllm.choice import Choice
from appliance.models.registry import Registry
from appliance.settings import ModelSettings
from tests.helpers.server import tiny_model


class Clock:
    """A second at each look: a folder is read again every time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


def test_the_model_that_was_chosen_last_as_long_as_it_is_good(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copy(tiny_model(), tmp_path / f"{name}.gguf")
    registry = Registry(tmp_path, ModelSettings(), clock=Clock())
    choice = Choice(registry)
    assert choice.name() == ""
    for name in ("b", "a"):
        choice.choose(registry.find(name))
        assert choice.name() == name
    registry.note_load(registry.find("a"), "It cannot be loaded.")
    assert choice.name() == ""
    registry.note_load(registry.find("a"))
    assert choice.name() == "a"
    (tmp_path / "a.gguf").unlink()
    assert choice.name() == ""
