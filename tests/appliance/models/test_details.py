from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import pytest

from appliance.models import details as module
from appliance.models.details import details
from appliance.models.folder import Entry, inspect
from appliance.models.manifest import Manifest
from tests.helpers.random_vocabulary import CHAT_TEMPLATE
from tests.helpers.server import tiny_model


def entry(template: str | None = None, **metadata: Any) -> Entry:
    told = {key.replace("__", "."): value for key, value in metadata.items()}
    if template is not None:
        told["tokenizer.chat_template"] = template
    return Entry("m", Path("/m.gguf"), 1, 1.0, architecture="llama", metadata=told)


def test_the_tiny_model() -> None:
    found = details(inspect(tiny_model(), "tiny"))
    assert found.template == CHAT_TEMPLATE
    assert found.quantization == "F16"
    assert found.fills_in
    assert not found.embeds


def test_every_quantization_that_the_format_knows_has_its_name() -> None:
    for kind in gguf.LlamaFileType:
        name = kind.name.removeprefix("ALL_").removeprefix("MOSTLY_")
        if kind is not gguf.LlamaFileType.GUESSED:
            assert details(entry(general__file_type=int(kind))).quantization == name
    assert details(entry()).quantization == "unknown"
    assert set(module._FILE_TYPES) < {int(kind) for kind in gguf.LlamaFileType}


@pytest.mark.parametrize(
    ("template", "tools", "thinks"),
    [
        ("{% for tool in tools %}{{ tool }}{% endfor %}", True, False),
        ("{% if enable_thinking %}<think>{% endif %}", False, True),
        ("{{ message.reasoning_content }}", False, True),
        ("{{ content.split('</think>')[-1] }}", False, True),
        ("{{ toolset }} think", False, False),
        (None, False, False),
    ],
)
def test_a_template_tells_what_a_model_can(template: str | None, tools: bool, thinks: bool) -> None:
    found = details(entry(template))
    assert (found.tools, found.thinks) == (tools, thinks)


def test_filling_in_is_known_by_token_or_by_spelling() -> None:
    assert details(entry(tokenizer__ggml__fim_pre_token_id=7)).fills_in
    assert details(entry(tokenizer__ggml__tokens=("<fim_prefix>",))).fills_in
    assert not details(entry(tokenizer__ggml__tokens=("a", "b"))).fills_in


def test_a_model_with_pooling_gives_vectors() -> None:
    assert details(entry(llama__pooling_type=1)).embeds
    assert not details(entry(bert__pooling_type=1)).embeds


def test_the_template_of_the_manifest_comes_first(tmp_path: Path) -> None:
    (tmp_path / "own.jinja").write_text("own")
    told = {"tokenizer.chat_template": "of the file"}
    for name, template in (("own.jinja", "own"), ("missing.jinja", "")):
        manifest = Manifest(template=name)
        found = Entry("m", tmp_path / "m.gguf", 1, 1.0, manifest=manifest, metadata=told)
        assert details(found).template == template


@pytest.mark.parametrize(
    ("path", "id", "told"),
    [
        ("/q-w8a8-rk3588.rkllm", "q-w8a8-rk3588", "w8a8"),
        ("/q-w4a16/model.rkllm", "q-w4a16", "w4a16"),
        ("/mine.rkllm", "mine", "unknown"),
    ],
)
def test_the_quantization_of_a_model_for_the_npu_is_in_its_name(
    path: str, id: str, told: str
) -> None:
    assert details(Entry(id, Path(path), 1, 1.0)).quantization.lower() == told
