"""The guide's byte-level BPE, with the pre-tokeniser that llama.cpp calls "qwen2"."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.trainers import BpeTrainer

from appliance.guide.prompt import CALL, CALL_END, END, START

PRE_TOKENIZER = "qwen2"
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PAD = "<|endoftext|>"
FIM = {
    "pre": "<|fim_prefix|>",
    "suf": "<|fim_suffix|>",
    "mid": "<|fim_middle|>",
    "pad": "<|fim_pad|>",
}
CONTROL = (PAD, START, END, *FIM.values())
TOOL_MARKS = (CALL, CALL_END)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The token list in order, the merges, and where the special tokens begin."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    specials: int


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn merges from texts; `size` counts the 256 bytes, the merges and the special tokens."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = Sequence(
        [Split(Regex(_PATTERN), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = ByteLevelDecoder()
    specials = (*CONTROL, *TOOL_MARKS)
    trainer = BpeTrainer(
        vocab_size=size - len(specials),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(list(specials))
    return tokenizer


def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    """Return what a GGUF file needs of a tokenizer."""
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return Vocabulary(
        tokens=tuple(token for token, _ in by_id),
        merges=tuple(merge if isinstance(merge, str) else " ".join(merge) for merge in merges),
        specials=len(by_id) - len(CONTROL) - len(TOOL_MARKS),
    )
