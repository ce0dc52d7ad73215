"""A model that somebody has started by hand: what was asked for, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["queued", "preparing", "inferring", "complete", "error"]
ACTIVE: Final[tuple[State, ...]] = ("queued", "preparing", "inferring")


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is loaded, beside what is configured.

    `context` is tokens for each request, 0 the configured number; `gpu_layers` -1 leaves that to
    the engine; `template` is a Jinja chat template, "" the model's own.
    """

    context: int = 0
    gpu_layers: int = -1
    template: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A model to be started: the name it is to have, and the file by its repository and path.

    `address` and `port` are those at which a client looks for it; they are only repeated.
    """

    alias: str
    repo: str
    file: str
    options: Options = Options()
    address: str = "localhost"
    port: int = 6567


@dataclass(frozen=True, slots=True)
class Task:
    """A wish and how far it is; `error` says why it failed. Times are seconds since the epoch."""

    wish: Wish
    state: State
    created: float
    updated: float
    error: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the model is in memory for it, or on its way there."""
        return self.state in ACTIVE
