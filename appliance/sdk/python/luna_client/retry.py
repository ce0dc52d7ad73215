"""When to ask again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """What is done when a Luna has too much to do: it is asked again, up to `times`.

    The pauses are as long as it says (`Retry-After`), or 1, 2, 4 … seconds; together they last no
    longer than `seconds`.
    """

    times: int = 3
    seconds: float = 60.0

    def pause(self, attempt: int, told: float | None, waited: float) -> float | None:
        """Seconds to wait after the failed attempt number `attempt` (from 0), or None to give up.

        `told` is what the Luna said, `waited` the sum of the pauses so far.
        """
        wanted = float(2**attempt) if told is None else told
        return wanted if attempt < self.times and waited + wanted <= self.seconds else None
