"""A byte-level BPE vocabulary trained on invented text, with ChatML, tool-call and FIM tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.trainers import BpeTrainer

END_OF_TURN = "<|im_end|>"
PADDING = "<|endoftext|>"
CONTROL = (
    PADDING,
    "<|im_start|>",
    END_OF_TURN,
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
)

# llama.cpp splits text of `pre` = "qwen2" with this expression; training has to split alike.
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# ChatML; tools are shown and called in the Hermes manner, which llama.cpp recognises and parses.
CHAT_TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{% endif %}
{{- '# Tools\\n\\nYou may call these functions:\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{% endfor %}
{{- '\\n</tools>\\n\\nAnswer a call with its name and arguments as JSON:\\n<tool_call>\\n' }}
{{- '{\\"name\\": <name>, \\"arguments\\": <arguments>}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content }}
{{- '\\n</tool_response><|im_end|>\\n' }}
{%- elif message.role == 'assistant' and message.tool_calls %}
{{- '<|im_start|>assistant' }}
{%- if message.content %}{{- '\\n' + message.content }}{% endif %}
{%- for call in message.tool_calls %}
{%- if call.function %}{% set call = call.function %}{% endif %}
{{- '\\n<tool_call>\\n{\\"name\\": \\"' + call.name + '\\", \\"arguments\\": ' }}
{{- call.arguments if call.arguments is string else (call.arguments | tojson) }}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif not (tools and loop.first and message.role == 'system') %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{% endif %}
"""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens in the order of their ids; the `unused` fill it up to the size asked for."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    control: frozenset[int]
    unused: frozenset[int]

    def id_of(self, token: str) -> int:
        """Id of `token`; raises ValueError where there is no such token."""
        return self.tokens.index(token)


def train(size: int, seed: int = 0) -> Vocabulary:
    """Exactly `size` tokens, at least all bytes and control tokens; the same for one seed."""
    if size < 256 + len(CONTROL):
        raise ValueError(f"a vocabulary needs at least {256 + len(CONTROL)} tokens, not {size}")
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = Sequence(
        [
            Split(Regex(QWEN2_SPLIT), behavior="isolated"),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=size - len(CONTROL),
        show_progress=False,
        initial_alphabet=ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_sentences(random.Random(seed), 2 * size), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    learned = sorted(model["vocab"], key=model["vocab"].__getitem__)
    spare = [f"<|unused_{i}|>" for i in range(size - len(learned) - len(CONTROL))]
    tokens = (*learned, *spare, *CONTROL)
    return Vocabulary(
        tokens=tokens,
        merges=tuple(m if isinstance(m, str) else " ".join(m) for m in model["merges"]),
        control=frozenset(range(size - len(CONTROL), size)),
        unused=frozenset(range(len(learned), len(learned) + len(spare))),
    )


def _sentences(rng: random.Random, count: int) -> Iterator[str]:
    """Invented prose with numbers, JSON and tool calls between, so that real text is few tokens."""
    syllables = [a + b + c for a in "bdfghklmnprstvw" for b in "aeiou" for c in ("", "n", "r", "s")]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 3))) for _ in range(count)]
    for number in range(count):
        chosen = rng.choices(words, k=rng.randint(3, 12))
        yield " ".join(chosen).capitalize() + rng.choice(".!?") + "\n"
        if number % 8 == 0:
            call = {"name": f"{chosen[0]}_{chosen[1]}", "arguments": {chosen[2]: number}}
            yield f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
