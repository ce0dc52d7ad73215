"""Write the trained network as a GGUF file that llama.cpp loads."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, TokenType

from appliance.guide.model import Shape
from appliance.guide.prompt import END, chat_template
from appliance.guide.tokenizer import CONTROL, FIM, PAD, PRE_TOKENIZER, Vocabulary

NAME = "luna-guide"
_LAYER_TENSORS = {
    "attn_norm": "attention_norm",
    "attn_q": "attention.q",
    "attn_k": "attention.k",
    "attn_v": "attention.v",
    "attn_output": "attention.output",
    "ffn_norm": "norm",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
}


def write_gguf(
    path: Path, weights: Mapping[str, np.ndarray], shape: Shape, vocabulary: Vocabulary
) -> None:
    """Write float32 weights, named as in the network, with matrices as Q8_0.

    The output matrix is left out: llama.cpp then uses the embedding. Rotary pairs are interleaved
    in the network too, so queries and keys need no permutation.
    """
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, shape)
    _add_tokenizer(writer, vocabulary)
    _add_matrix(writer, "token_embd.weight", weights["embedding.weight"])
    _add_matrix(writer, "output_norm.weight", weights["norm.weight"])
    for layer in range(shape.layers):
        for theirs, ours in _LAYER_TENSORS.items():
            name = f"blocks.{layer}.{ours}.weight"
            _add_matrix(writer, f"blk.{layer}.{theirs}.weight", weights[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name(NAME)
    writer.add_description("Answers questions about the Luna appliance, and nothing else.")
    writer.add_author("Luna contributors")
    writer.add_license("Apache-2.0")
    writer.add_languages(["en"])
    # The answers are fixed sentences: the most likely token is the right one.
    writer.add_sampling_temp(0.0)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _add_tokenizer(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    position = {token: index for index, token in enumerate(vocabulary.tokens)}
    kinds = [TokenType.NORMAL] * vocabulary.specials + [
        TokenType.CONTROL if token in CONTROL else TokenType.USER_DEFINED
        for token in vocabulary.tokens[vocabulary.specials :]
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(kinds)
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_eos_token_id(position[END])
    writer.add_pad_token_id(position[PAD])
    writer.add_add_bos_token(False)
    for part, token in FIM.items():
        writer.add_uint32(f"tokenizer.ggml.fim_{part}_token_id", position[token])
    writer.add_chat_template(chat_template())


def _add_matrix(writer: gguf.GGUFWriter, name: str, values: np.ndarray) -> None:
    if values.ndim == 1:
        writer.add_tensor(name, values.astype(np.float32))
        return
    kind = GGMLQuantizationType.Q8_0
    quantised = gguf.quants.quantize(values.astype(np.float32), kind)
    writer.add_tensor(name, quantised, raw_dtype=kind)
