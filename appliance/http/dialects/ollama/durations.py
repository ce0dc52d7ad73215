"""How long a model is to stay in memory, as Ollama's clients write it."""

from __future__ import annotations

import math
import re

from appliance.errors import BadRequest

# Go's time.ParseDuration: numbers with units, one after the other.
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"([-+]?)((?:{_PART.pattern})+|[0-9]+)")


def keep_alive(value: float | str | None) -> float | None:
    """Seconds; inf for anything negative, None where nothing was said.

    A number counts seconds, and so does a text that is a number. Raises BadRequest.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _seconds(value)
    return math.inf if value < 0 else value


def _seconds(text: str) -> float:
    found = _WHOLE.fullmatch(text.strip().replace("\u03bc", "\u00b5")) if len(text) < 100 else None
    if found is None:
        raise BadRequest(
            "Invalid value for 'keep_alive': use seconds, or a text such as '10m' or '1h30m'; '-1' "
            "means for ever.",
            param="keep_alive",
        )
    sign, amount = found[1], found[2]
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(amount))
    if amount.isdecimal():
        total = float(amount)
    return -total if sign == "-" else total
