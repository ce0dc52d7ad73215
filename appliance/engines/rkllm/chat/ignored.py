"""What of a request the runtime cannot honour, for the header `x-luna-ignored`."""

from __future__ import annotations

from appliance.domain.requests import Generation
from appliance.domain.sampling import Sampling

# Fields of Sampling that no version has, and those that are set at loading before 1.3.0.
_NEVER = ("min_p", "typical_p", "seed", "logit_bias")
_AT_LOADING = (
    "temperature",
    "top_p",
    "top_k",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
)


def ignored(generation: Generation, loaded: Sampling, *, per_run: bool) -> tuple[str, ...]:
    """Names of settings that change nothing, as clients write them, in a fixed order.

    `per_run` says that the version takes sampler settings with each run (1.3.0 and newer), `loaded`
    what the model was loaded with: to ask for just that is no wish ignored. Lengths, stop strings
    and the number of choices are Luna's own work, and always honoured.
    """
    wanted = generation.sampling
    names = [name for name in _NEVER if getattr(wanted, name) not in (None, ())]
    if wanted.ignore_eos and not loaded.ignore_eos:
        names.append("ignore_eos")
    if generation.logprobs is not None:
        names.append("logprobs")
    if not per_run:
        names += [
            name
            for name in _AT_LOADING
            if getattr(wanted, name) not in (None, getattr(loaded, name))
        ]
    return tuple(names)
