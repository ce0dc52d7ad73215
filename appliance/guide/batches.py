"""Turn samples into padded batches of token ids with a weight for each token to learn."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from torch import Tensor

from appliance.guide.corpus import Sample
from appliance.guide.prompt import END
from appliance.guide.tokenizer import PAD

_FIRST_WEIGHT = 3.0
_BRIEF_TOKENS = 1
_POOL = 4096


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` (batch, time); `rows` and `columns` point at the states that predict `targets`."""

    tokens: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of prompt and answer, and the length of the prompt."""

    tokens: list[int]
    prompt: int


def encode(tokenizer: Tokenizer, sample: Sample) -> Encoded:
    """Tokenise a sample; a brief answer is cut after its first token, others end with the mark."""
    prompt = tokenizer.encode(sample.prompt).ids
    answer = tokenizer.encode(sample.answer + ("" if sample.brief else END)).ids
    return Encoded(prompt + (answer[:_BRIEF_TOKENS] if sample.brief else answer), len(prompt))


def batches(
    samples: Iterable[Sample], tokenizer: Tokenizer, budget: int, rng: random.Random
) -> Iterator[Batch]:
    """Yield batches of similar lengths with at most `budget` tokens, in random order."""
    source = iter(samples)
    padding = tokenizer.encode(PAD).ids[0]
    while True:
        pool = sorted(
            (encode(tokenizer, sample) for sample in islice(source, _POOL)),
            key=lambda item: len(item.tokens) + rng.random(),
        )
        groups = list(_group(pool, budget))
        rng.shuffle(groups)
        for group in groups:
            yield _collate(group, padding)


def _group(pool: list[Encoded], budget: int) -> Iterator[list[Encoded]]:
    group: list[Encoded] = []
    for item in pool:
        if group and len(item.tokens) * (len(group) + 1) > budget:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _collate(group: list[Encoded], padding: int) -> Batch:
    longest = max(len(item.tokens) for item in group)
    tokens = torch.full((len(group), longest), padding)
    rows, columns, targets, weights = [], [], [], []
    for row, item in enumerate(group):
        tokens[row, : len(item.tokens)] = torch.tensor(item.tokens)
        for column in range(item.prompt - 1, len(item.tokens) - 1):
            rows.append(row)
            columns.append(column)
            targets.append(item.tokens[column + 1])
            weights.append(_FIRST_WEIGHT if column == item.prompt - 1 else 1.0)
    return Batch(
        tokens,
        torch.tensor(rows),
        torch.tensor(columns),
        torch.tensor(targets),
        torch.tensor(weights),
    )
