"""Embedding vectors."""

from __future__ import annotations

import math

from appliance.errors import BadRequest


def shortened(vector: tuple[float, ...], dimensions: int) -> tuple[float, ...]:
    """The first `dimensions` numbers, of length one again; raises BadRequest if there are fewer."""
    if dimensions > len(vector):
        raise BadRequest(
            f"'dimensions' is {dimensions}, but this model's vectors have {len(vector)}.",
            param="dimensions",
        )
    head = vector[:dimensions]
    length = math.hypot(*head) or 1.0
    return tuple(value / length for value in head)
