from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.http.dialects.browserllm import describe
from appliance.models.folder import Entry
from appliance.observe.profile import Averages

NEVER = Averages(0.0, 0.0)


def entry(size: int = 2_200_000_000, parameters: int = 3_800_000_000, **more: Any) -> Entry:
    path = Path(more.pop("path", "/phi-3.gguf"))
    return Entry("phi-3", path, size, 1.0, parameters=parameters, **more)


@pytest.mark.parametrize(
    ("size", "text"),
    [(2_200_000_000, "2.2GB"), (12_345_000_000, "12GB"), (400_000, "400KB"), (12, "12B")],
)
def test_sizes(size: int, text: str) -> None:
    assert describe.model(entry(size), NEVER).size == text


def test_the_memory_is_more_than_the_file() -> None:
    assert describe.model(entry(), NEVER).vram_required == "2.7GB"


@pytest.mark.parametrize(
    ("weights", "speed", "quality"),
    [
        (500_000_000, "fast", "basic"),
        (3_800_000_000, "medium", "good"),
        (8_000_000_000, "slow", "excellent"),
    ],
)
def test_tiers_of_what_has_not_run_yet(weights: int, speed: str, quality: str) -> None:
    told = describe.model(entry(parameters=weights), NEVER)
    assert (told.speed_tier, told.quality_tier) == (speed, quality)


def test_weights_that_are_not_known_are_judged_by_the_file() -> None:
    told = describe.model(entry(8_000_000_000, 0), NEVER)
    assert (told.speed_tier, told.quality_tier) == ("slow", "excellent")


@pytest.mark.parametrize(("speed", "tier"), [(0.5, "slow"), (5.0, "medium"), (15.0, "fast")])
def test_what_was_measured_counts_more(speed: float, tier: str) -> None:
    assert describe.model(entry(), Averages(speed, 9.0)).speed_tier == tier


def test_names_and_capabilities() -> None:
    template = "{% for tool in tools %}{{ tool }}{% endfor %}<think>"
    metadata = {"general.name": "Phi 3 Mini", "tokenizer.chat_template": template}
    told = describe.model(entry(metadata=metadata), NEVER)
    assert told.name == "Phi 3 Mini"
    assert told.capabilities == ["text-generation", "json-mode", "tools", "reasoning", "embeddings"]
    vectors = entry(architecture="bert", metadata={"bert.pooling_type": 1})
    assert describe.model(vectors, NEVER).capabilities == ["embeddings"]
    assert describe.model(vectors, NEVER).name == "phi-3"


def test_details() -> None:
    told = describe.model_details(entry(path="/q-w8a8.rkllm"), 4096, Averages(7.126, 80.0))
    assert (told.id, told.size, told.downloaded) == ("phi-3", "2.2GB", True)
    assert (told.parameters.total, told.parameters.quantization) == ("3.8B", "w8a8")
    assert "the NPU" in told.description
    assert "4096" in told.description
    assert told.performance.avg_tokens_per_second == 7.13
    assert describe.model_details(entry(parameters=0), 1, NEVER).parameters.total == "unknown"
