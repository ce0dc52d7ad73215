"""Hidden states to embeddings, as sentence-transformers does it."""

from __future__ import annotations

import math
from array import array
from enum import Enum
from pathlib import Path

import msgspec

from appliance.engines.rkllm.chat.tokenizer_config import decoded
from appliance.errors import BadRequest, EngineError

CONFIG = Path("1_Pooling") / "config.json"


class Pooling(Enum):
    """One vector of many: that of the last token, or the mean of all."""

    LAST = "last"
    MEAN = "mean"


class _Config(msgspec.Struct, frozen=True):
    pooling_mode_lasttoken: bool = False


def pooling_of(folder: Path) -> Pooling:
    """What the model was trained for, by its `1_Pooling/config.json`; without one the mean."""
    file = folder / CONFIG
    if file.is_file() and decoded(file, _Config).pooling_mode_lasttoken:
        return Pooling.LAST
    return Pooling.MEAN


def embedding(
    values: array[float], columns: int, pooling: Pooling, dimensions: int | None = None
) -> tuple[float, ...]:
    """A vector of length one (L2 norm) from the hidden states of all tokens, row after row.

    `dimensions` keeps the first ones only, and normalises what is left; raises BadRequest if the
    model has fewer, EngineError for states that are no vectors.
    """
    if columns <= 0 or not values or len(values) % columns:
        raise EngineError("The model gave no hidden states; use a model made for embeddings.")
    kept = dimensions or columns
    if not 0 < kept <= columns:
        raise BadRequest(f"The model has {columns} dimensions.", param="dimensions")
    if pooling is Pooling.LAST:
        pooled = values[-columns : len(values) - columns + kept].tolist()
    else:
        # The length of the vector is one in the end, so the sum is as good as the mean.
        pooled = [math.fsum(values[column::columns]) for column in range(kept)]
    length = math.hypot(*pooled)
    if not math.isfinite(length) or length == 0.0:
        raise EngineError("The model gave hidden states without a direction; load it again.")
    return tuple(value / length for value in pooled)
