"""How large a model fits a memory: a rule of thumb, on the safe side."""

from __future__ import annotations

MIB = 2**20
_SYSTEM_LEAST = 1024 * MIB
_BUFFERS = 256 * MIB
# Beside the weights there is the KV cache, which grows with the model: an eighth of them.
_CACHE = 8
# Four-bit files keep some of their tensors at six or eight bits.
_BITS_PER_WEIGHT = 5
_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "K"))


def required_bytes(file_bytes: int) -> int:
    """What a model of that size needs in memory while it works."""
    return file_bytes + file_bytes // _CACHE + _BUFFERS


def usable_bytes(total_bytes: int) -> int:
    """What a model may have of a machine's memory: the system keeps a quarter, at least 1 GiB."""
    return max(0, total_bytes - max(_SYSTEM_LEAST, total_bytes // 4))


def recommended_bytes(total_bytes: int) -> int:
    """The largest model file for a machine with that much memory; 0 where none fits."""
    return max(0, usable_bytes(total_bytes) - _BUFFERS) * _CACHE // (_CACHE + 1)


def fits(file_bytes: int, total_bytes: int) -> bool:
    """Whether a model of that size can work on such a machine."""
    return required_bytes(file_bytes) <= usable_bytes(total_bytes)


def parameters(file_bytes: int) -> int:
    """About how many weights a file of that size has when it is quantised to four bits."""
    return file_bytes * 8 // _BITS_PER_WEIGHT


def spoken(count: int) -> str:
    """A number of weights in three digits at most, such as "7.6B" or "135M"."""
    for unit, letter in _UNITS:
        if count >= unit:
            value = count / unit
            return f"{value:.1f}{letter}" if value < 10 else f"{value:.0f}{letter}"
    return str(count)
