"""Sampler settings, from the domain's terms to the fields of RKLLMParam and RKLLMSamplingParam."""

from __future__ import annotations

from ctypes import Structure

from appliance.domain.sampling import Sampling
from appliance.engines.rkllm.abi import Abi

# The fields that both sides call by the same name.
_COMMON = (
    "top_k",
    "top_p",
    "temperature",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
)
_MIROSTAT = ("mirostat", "mirostat_tau", "mirostat_eta")


def apply(sampling: Sampling, target: Structure) -> None:
    """Write what `sampling` says into a struct; what it leaves open stays as it is."""
    for name in _COMMON:
        value = getattr(sampling, name)
        if value is not None:
            setattr(target, name, value)


def of_run(abi: Abi, loaded: Structure, sampling: Sampling) -> Structure | None:
    """The struct for one run, from what was loaded and what the run wants; None before 1.3.0."""
    if abi.sampling is None:
        return None
    struct = abi.sampling(**{name: getattr(loaded, name) for name in _COMMON + _MIROSTAT})
    apply(sampling, struct)
    return struct


def can_ignore_eos(abi: Abi) -> bool:
    """Whether a model can be loaded so that an end-of-text token does not end its answers."""
    return hasattr(abi.param, "ignore_eos_token")
