"""How long a silent engine is trusted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits in seconds; prefill of a long prompt may take minutes on a small board.

    `slowest_prefill` is in tokens per second: an 8k prompt on an RK3588 was seen to take 226 s.
    """

    stall: float = 60.0
    slowest_prefill: float = 5.0

    def first_token(self, prompt_tokens: int) -> float:
        """The longest wait for the first token of an answer."""
        return self.stall + self.prefill(prompt_tokens)

    def prefill(self, prompt_tokens: int) -> float:
        """How long a prompt may take to be read."""
        return prompt_tokens / self.slowest_prefill
