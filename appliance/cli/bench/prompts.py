"""Prompts of a wanted length, no two of which begin alike."""

from __future__ import annotations

import random
from dataclasses import dataclass

from appliance.cli.client import Client

_WORDS = (
    "harbour lantern morning silver garden window river mountain story engine paper quiet yellow "
    "market bridge winter letter orange forest music number island planet doctor kitchen thunder"
).split()
_PROBES = (40, 120)  # words


@dataclass(frozen=True, slots=True)
class Measure:
    """How words become tokens: `overhead` is what the model's chat template adds."""

    per_word: float
    overhead: float

    def words(self, tokens: int) -> int:
        """Words that make about `tokens` tokens, at least one."""
        return max(1, round((tokens - self.overhead) / self.per_word))


def prompt(words: int, seed: str) -> str:
    """Random words; another seed differs from the first word on, so that no cache can help."""
    rng = random.Random(seed)
    return " ".join([str(rng.randrange(10**6)), *(rng.choice(_WORDS) for _ in range(words - 1))])


def measure(client: Client, model: str) -> Measure:
    """Ask the server how many tokens it counts in prompts of two lengths; loads the model too."""
    short, long = (_count(client, model, words) for words in _PROBES)
    per_word = max(0.1, (long - short) / (_PROBES[1] - _PROBES[0]))
    return Measure(per_word, max(0.0, short - per_word * _PROBES[0]))


def _count(client: Client, model: str, words: int) -> int:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt(words, f"measure {words}")}],
        "max_tokens": 1,
    }
    answer = client.post("/v1/chat/completions", body)
    return int(answer["usage"]["prompt_tokens"])
