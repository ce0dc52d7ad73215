from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Inner
from tokenizers import processors
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from appliance.engines.rkllm.chat.tokenizer import Tokenizer
from appliance.errors import BadRequest, ModelLoadFailed

CONFIG = {"bos_token": "<s>", "eos_token": {"content": "<|im_end|>", "special": True}}


def byte_level() -> Inner:
    """A vocabulary of bytes, a few merges and three special tokens."""
    alphabet = sorted(ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, "he", "ll"])}
    inner = Inner(BPE(vocabulary, [("h", "e"), ("l", "l")]))
    inner.pre_tokenizer = ByteLevel(add_prefix_space=False)
    inner.decoder = ByteLevelDecoder()
    inner.add_special_tokens(["<s>", "<|im_start|>", "<|im_end|>"])
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", inner.token_to_id("<s>"))]
    )
    return inner


def folder(path: Path, inner: Inner | None = None, config: Any = CONFIG) -> Path:
    (path / "tokenizer.json").write_text((inner or byte_level()).to_str())
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    return path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.load(folder(tmp_path_factory.mktemp("model")))


def test_special_tokens_are_known(tokenizer: Tokenizer) -> None:
    assert (tokenizer.bos_id, tokenizer.eos_id) == (258, 260)
    assert tokenizer.size == 261


def test_a_special_token_in_the_text_is_one_token(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("<|im_start|>hell<|im_end|>") == (259, 256, 257, 260)


def test_a_bare_text_gets_what_the_model_expects_only_if_wanted(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("he") == (256,)
    assert tokenizer.encode("he", special=True) == (258, 256)


def test_special_tokens_are_shown_only_if_wanted(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode((258, 256, 260)) == "he"
    assert tokenizer.decode((258, 256, 260), special=True) == "<s>he<|im_end|>"


@given(st.text())
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("token", [-1, 261, 2**40])
def test_an_unknown_token_is_refused(tokenizer: Tokenizer, token: int) -> None:
    with pytest.raises(BadRequest, match="0 to 260"):
        tokenizer.decode((256, token))


def test_half_a_surrogate_pair_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(BadRequest, match="Unicode"):
        tokenizer.encode("a\ud800")


def test_truncation_and_padding_of_the_file_are_switched_off(tmp_path: Path) -> None:
    inner = byte_level()
    inner.enable_truncation(4)
    inner.enable_padding(length=8)
    tokenizer = Tokenizer.load(folder(tmp_path, inner))
    assert len(tokenizer.encode("abcdefghij")) == 10
    assert len(tokenizer.encode("abc")) == 3


@pytest.mark.parametrize("config", [{}, {"bos_token": None, "eos_token": "<none>"}])
def test_a_model_without_special_tokens_works(tmp_path: Path, config: dict[str, Any]) -> None:
    tokenizer = Tokenizer.load(folder(tmp_path, config=config))
    assert (tokenizer.bos_id, tokenizer.eos_id) == (None, None)


def test_the_configuration_may_be_missing(tmp_path: Path) -> None:
    (folder(tmp_path) / "tokenizer_config.json").unlink()
    assert Tokenizer.load(tmp_path).bos_id is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"model": {"type": "BPE"}}', b"\xff\xfe", b"version https:/"]
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (folder(tmp_path) / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelLoadFailed, match=r"^tokenizer\.json beside the model .*Copy it again"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"bos_token": 3}', b"\xff", b"[" * 10**6])
def test_a_broken_configuration_is_named(tmp_path: Path, content: bytes) -> None:
    (folder(tmp_path) / "tokenizer_config.json").write_bytes(content)
    with pytest.raises(ModelLoadFailed, match=r"^tokenizer_config\.json beside the model"):
        Tokenizer.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadFailed, match=r"tokenizer\.json .* cannot be read \(No such file"):
        Tokenizer.load(tmp_path)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (folder(tmp_path) / "tokenizer.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ModelLoadFailed, match="too large"):
        Tokenizer.load(tmp_path)
