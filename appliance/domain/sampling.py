"""How the next token is drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

RANDOM_SEED = 2**32 - 1
"""What llama.cpp takes for "any seed" (LLAMA_DEFAULT_SEED): real seeds are below."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampler settings; None leaves a value to the model's manifest, then to the engine."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    logit_bias: tuple[tuple[int, float], ...] = ()
    ignore_eos: bool = False

    def over(self, defaults: Sampling) -> Sampling:
        """These settings, with `defaults` where nothing was said."""
        missing = {
            f.name: getattr(defaults, f.name)
            for f in fields(self)
            if getattr(self, f.name) in (None, ())
        }
        return replace(self, **missing)

    def for_choice(self, index: int) -> Sampling:
        """The settings of choice `index` of `n`: a fixed seed must not make them all alike."""
        if self.seed is None or index == 0:
            return self
        return replace(self, seed=(self.seed + index) % RANDOM_SEED)
