"""A BERT-architecture GGUF with random weights that ranks documents: real work, random scores."""

from __future__ import annotations

import string
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

_DIM, _FEED_FORWARD, _LAYERS, _CONTEXT = 64, 128, 2, 512
_CONTROL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_LETTERS = string.ascii_lowercase + string.digits + ".,?"
# The vocabulary of WordPiece as llama.cpp wants it: ▁ begins a word.
_TOKENS = [*_CONTROL, *(f"▁{letter}" for letter in _LETTERS), *_LETTERS]


def write(path: Path, seed: int = 0) -> Path:
    """Write a reranker of 0.2 MB for functional tests; returns `path`."""
    writer = gguf.GGUFWriter(path, "bert")
    _add_architecture(writer)
    _add_vocabulary(writer)
    weights = _Weights(writer, np.random.default_rng(seed))
    weights.matrix("token_embd.weight", len(_TOKENS), _DIM)
    weights.matrix("token_types.weight", 2, _DIM, kind=np.float32)
    weights.matrix("position_embd.weight", _CONTEXT, _DIM)
    weights.norm("token_embd_norm")
    for block in (f"blk.{layer}" for layer in range(_LAYERS)):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights.linear(f"{block}.{name}", _DIM, _DIM)
        weights.norm(f"{block}.attn_output_norm")
        weights.linear(f"{block}.ffn_up", _FEED_FORWARD, _DIM)
        weights.linear(f"{block}.ffn_down", _DIM, _FEED_FORWARD)
        weights.norm(f"{block}.layer_output_norm")
    weights.linear("cls", _DIM, _DIM)
    weights.linear("cls.output", 1, _DIM)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class _Weights:
    def __init__(self, writer: gguf.GGUFWriter, rng: np.random.Generator) -> None:
        self._writer = writer
        self._rng = rng

    def matrix(self, name: str, rows: int, columns: int, kind: type = np.float16) -> None:
        """Normal values scaled to keep the length of a vector about the same."""
        values: NDArray[np.float64] = self._rng.standard_normal((rows, columns))
        self._writer.add_tensor(name, (values / np.sqrt(columns)).astype(kind))

    def linear(self, name: str, rows: int, columns: int) -> None:
        """A layer and its bias."""
        self.matrix(f"{name}.weight", rows, columns)
        self._writer.add_tensor(f"{name}.bias", np.zeros(rows, np.float32))

    def norm(self, name: str) -> None:
        """A normalisation that changes nothing more."""
        self._writer.add_tensor(f"{name}.weight", np.ones(_DIM, np.float32))
        self._writer.add_tensor(f"{name}.bias", np.zeros(_DIM, np.float32))


def _add_architecture(writer: gguf.GGUFWriter) -> None:
    writer.add_name("random reranker")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_DIM)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK)


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    plain = len(_TOKENS) - len(_CONTROL)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(_TOKENS)
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * len(_CONTROL) + [gguf.TokenType.NORMAL] * plain
    )
    writer.add_token_type_count(2)
    for index, add in enumerate(
        (
            writer.add_pad_token_id,
            writer.add_unk_token_id,
            writer.add_bos_token_id,
            writer.add_sep_token_id,
            writer.add_mask_token_id,
        )
    ):
        add(index)
    writer.add_eos_token_id(_CONTROL.index("[SEP]"))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
