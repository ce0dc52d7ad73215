"""One vector of a text's hidden states."""

from __future__ import annotations

import math
from array import array
from typing import Literal

from appliance.engines.rkllm.wire import Rows

Pooling = Literal["mean", "last"]


def pooled(rows: Rows, how: Pooling) -> tuple[float, ...]:
    """The mean of all tokens' states, or the last one's; of length one (L2 norm)."""
    values = array("f", rows.values)
    if how == "last":
        vector = list(values[-rows.columns :])
    else:
        vector = [sum(values[axis :: rows.columns]) for axis in range(rows.columns)]
    length = math.hypot(*vector) or 1.0
    return tuple(value / length for value in vector)
