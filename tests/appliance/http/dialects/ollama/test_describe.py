from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.http.dialects.ollama import describe
from appliance.models.folder import Entry, inspect
from appliance.models.manifest import Defaults, Manifest
from tests.helpers.server import tiny_model

# How one client reads a line of `parameters`; it stumbles over one that does not fit.
PARAMETER = re.compile(r'^(\S+)\s+((?:".*")|\S+)$')


def entry(**more: Any) -> Entry:
    given: dict[str, Any] = {"architecture": "qwen2", "changed": 1700000000.0, "stamp": (1, 2)}
    return Entry("m", Path("/models/m.gguf"), size_bytes=9, **given | more)


def shown(model: Entry, context: int = 4096) -> Any:
    return msgspec.to_builtins(describe.shown(model, context))


@pytest.mark.parametrize(
    ("id", "name"), [("m", "m:latest"), ("m:4b", "m:4b"), ("a/b", "a/b:latest")]
)
def test_every_name_has_a_tag(id: str, name: str) -> None:
    tag = describe.tag(Entry(id, Path("/m.gguf"), 1, 1.0))
    assert tag.name == tag.model == name


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (205_120, "205K"),
        (3_100_000, "3.1M"),
        (135_000_000, "135M"),
        (7_615_616_512, "7.6B"),
        (32_000_000_000, "32B"),
    ],
)
def test_sizes_are_short(count: int, text: str) -> None:
    assert describe.tag(entry(parameters=count)).details.parameter_size == text


def test_the_digest_is_that_of_the_file() -> None:
    one = describe.tag(entry()).digest
    assert re.fullmatch("[0-9a-f]{64}", one)
    assert describe.tag(entry(parameters=5)).digest == one
    assert describe.tag(entry(stamp=(1, 3))).digest != one


def test_the_tiny_model() -> None:
    body = shown(inspect(tiny_model(), "tiny"), 2048)
    assert body["capabilities"] == ["completion", "tools", "insert"]
    assert ".Suffix" in body["template"]
    assert body["model_info"]["general.architecture"] == "llama"
    assert body["model_info"]["llama.context_length"] == 2048
    assert body["model_info"]["tokenizer.ggml.tokens"] is None
    assert not any("chat_template" in key for key in body["model_info"])
    assert body["details"]["quantization_level"] == "F16"


def test_parameters_are_lines_that_every_client_reads() -> None:
    manifest = Manifest(stop=("a b", '"'), sampling=Defaults(temperature=0.6, top_k=20))
    lines = shown(entry(manifest=manifest))["parameters"].split("\n")
    found = [PARAMETER.fullmatch(line) for line in lines]
    assert [(each[1], each[2]) for each in found if each] == [
        ("num_ctx", "4096"),
        ("temperature", "0.6"),
        ("top_k", "20"),
        ("stop", '"a b"'),
        ("stop", '"\\""'),
    ]
    assert len(found) == 5


def test_what_is_not_known_is_left_out() -> None:
    body = shown(entry())
    assert "license" not in body
    assert ".Suffix" not in body["template"]
    assert body["capabilities"] == ["completion"]
    assert shown(entry(metadata={"general.license": "mit"}))["license"] == "mit"


def test_senseless_metadata_is_null() -> None:
    info = shown(entry(metadata={"a": math.nan, "b": (), "c": (1, 2)}))["model_info"]
    assert (info["a"], info["b"], list(info["c"])) == (None, None, [1, 2])


def test_an_embedding_model_says_so() -> None:
    body = shown(entry(metadata={"qwen2.pooling_type": 1}))
    assert body["capabilities"] == ["embedding"]
