"""Llama-architecture GGUF files with random weights: real engine work, meaningless text.

The rows of control tokens in the output matrix are zero, so that greedy or top-k sampling
practically never ends a turn by itself: generation stops at the length that was asked for.
Two runs with the same versions of numpy, gguf and tokenizers write the same bytes, but never
assert on generated text: it differs between machines.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gguf
import numpy as np
from numpy.typing import NDArray

from tests.helpers.random_vocabulary import CHAT_TEMPLATE, END_OF_TURN, PADDING, Vocabulary, train

Weights = Literal["f16", "q8_0"]
QUANTIZATION = {"f16": gguf.GGMLQuantizationType.F16, "q8_0": gguf.GGMLQuantizationType.Q8_0}
FILE_TYPE = {"f16": gguf.LlamaFileType.MOSTLY_F16, "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a llama; `dim` and `feed_forward` are multiples of 32, `heads` divides `dim`."""

    layers: int = 2
    dim: int = 64
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 128
    vocabulary: int = 1024
    context: int = 2048

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of every tensor in the order of the file; one axis means a norm."""
        kv = self.dim // self.heads * self.kv_heads
        yield "token_embd.weight", (self.vocabulary, self.dim)
        for layer in range(self.layers):
            yield f"blk.{layer}.attn_norm.weight", (self.dim,)
            yield f"blk.{layer}.attn_q.weight", (self.dim, self.dim)
            yield f"blk.{layer}.attn_k.weight", (kv, self.dim)
            yield f"blk.{layer}.attn_v.weight", (kv, self.dim)
            yield f"blk.{layer}.attn_output.weight", (self.dim, self.dim)
            yield f"blk.{layer}.ffn_norm.weight", (self.dim,)
            yield f"blk.{layer}.ffn_gate.weight", (self.feed_forward, self.dim)
            yield f"blk.{layer}.ffn_up.weight", (self.feed_forward, self.dim)
            yield f"blk.{layer}.ffn_down.weight", (self.dim, self.feed_forward)
        yield "output_norm.weight", (self.dim,)
        yield "output.weight", (self.vocabulary, self.dim)


TINY = Shape()
HUNDRED_MILLION = Shape(
    layers=12, dim=768, heads=12, kv_heads=4, feed_forward=2048, vocabulary=16384, context=8192
)


def tiny(path: Path, *, seed: int = 0) -> Path:
    """Write a model of 0.4 MB for functional tests (under a second); returns `path`."""
    return write(path, TINY, "f16", seed)


def hundred_million(path: Path, *, weights: Weights = "q8_0", seed: int = 0) -> Path:
    """Write a model of 100 million parameters for benchmarks (107 MB as q8_0); returns `path`."""
    return write(path, HUNDRED_MILLION, weights, seed)


def write(path: Path, shape: Shape, weights: Weights, seed: int = 0) -> Path:
    """Write a model of any shape, holding one tensor in memory at a time; returns `path`."""
    vocabulary = train(shape.vocabulary, seed)
    writer = gguf.GGUFWriter(path, "llama")
    _add_architecture(writer, shape, weights)
    _add_vocabulary(writer, vocabulary)
    for name, size in shape.tensors():
        _announce(writer, name, size, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    rng = np.random.default_rng(seed)
    for name, size in shape.tensors():
        writer.write_tensor_data(_values(rng, name, size, vocabulary, weights))
    writer.close()
    return path


def _add_architecture(writer: gguf.GGUFWriter, shape: Shape, weights: Weights) -> None:
    writer.add_name("random")
    writer.add_file_type(FILE_TYPE[weights])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.dim)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(shape.dim // shape.heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(shape.vocabulary)


def _add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    kinds = [gguf.TokenType.NORMAL] * len(vocabulary.tokens)
    for index in vocabulary.control:
        kinds[index] = gguf.TokenType.CONTROL
    for index in vocabulary.unused:
        kinds[index] = gguf.TokenType.UNUSED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(vocabulary.merges)
    writer.add_eos_token_id(vocabulary.id_of(END_OF_TURN))
    writer.add_pad_token_id(vocabulary.id_of(PADDING))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
    # The writer has no calls for these; without them the engine refuses to fill in the middle.
    for key, token in (
        ("pre", "<|fim_prefix|>"),
        ("suf", "<|fim_suffix|>"),
        ("mid", "<|fim_middle|>"),
        ("pad", "<|fim_pad|>"),
        ("rep", "<|repo_name|>"),
        ("sep", "<|file_sep|>"),
    ):
        writer.add_uint32(f"tokenizer.ggml.fim_{key}_token_id", vocabulary.id_of(token))


def _announce(writer: gguf.GGUFWriter, name: str, size: tuple[int, ...], weights: Weights) -> None:
    if len(size) == 1:
        writer.add_tensor_info(name, size, np.dtype(np.float32), 4 * size[0])
        return
    kind = QUANTIZATION[weights]
    stored = gguf.quant_shape_to_byte_shape(size, kind) if weights == "q8_0" else size
    dtype = np.dtype(np.uint8) if weights == "q8_0" else np.dtype(np.float16)
    count = int(np.prod(stored)) * dtype.itemsize
    writer.add_tensor_info(name, stored, dtype, count, raw_dtype=kind)


def _values(
    rng: np.random.Generator,
    name: str,
    size: tuple[int, ...],
    vocabulary: Vocabulary,
    weights: Weights,
) -> NDArray[np.generic]:
    """Ones for a norm; else normal values scaled to keep the length of a vector about the same."""
    if len(size) == 1:
        return np.ones(size, dtype=np.float32)
    values = rng.standard_normal(size, dtype=np.float32)
    values /= np.sqrt(np.float32(size[-1]))
    if name == "output.weight":
        values[sorted(vocabulary.control | vocabulary.unused)] = 0
    return gguf.quants.quantize(values, QUANTIZATION[weights])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the model that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.helpers.random_model", description=__doc__
    )
    parser.add_argument("--size", choices=("tiny", "100m"), default="tiny")
    parser.add_argument("--weights", choices=("f16", "q8_0"), help="tiny: f16, 100m: q8_0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    if chosen.size == "tiny":
        write(chosen.out, TINY, chosen.weights or "f16", chosen.seed)
    else:
        write(chosen.out, HUNDRED_MILLION, chosen.weights or "q8_0", chosen.seed)


if __name__ == "__main__":
    main()
