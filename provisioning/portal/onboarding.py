"""What the portal asks of the provisioning service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from provisioning.credentials import Credentials
from provisioning.results import Result
from provisioning.situation import State
from provisioning.survey import Network


@dataclass(frozen=True, slots=True)
class Situation:
    """What the page tells, as it was at one moment.

    `age` is the seconds since `networks` were looked for, None if they never were. `stays` means
    that the setup network stays up while Luna joins another one. `joining` is the network that it
    tries, from the moment it was asked to. `country` is empty where none was chosen.
    """

    state: State
    networks: tuple[Network, ...] = ()
    age: float | None = None
    stays: bool = False
    joining: bytes | None = None
    result: Result | None = None
    country: str = ""


class Onboarding(Protocol):
    """The provisioning service as the portal sees it; every method may be called by any thread."""

    def situation(self) -> Situation:
        """How things are now, at once."""

    def rescan(self) -> None:
        """Look for networks; returns when `situation` has the new list, or after some seconds."""

    def join(self, credentials: Credentials, after: float) -> None:
        """Begin to join in `after` seconds, when the answer to the phone has arrived.

        `situation` tells of it from now on. Raises Retryable where it cannot be begun.
        """

    def countries(self) -> tuple[str, ...]:
        """Those that may be chosen, ISO 3166-1 alpha-2."""

    def set_country(self, country: str) -> None:
        """Keep to that country's radio rules; raises LunaError where that is impossible."""
