"""What every procedure works with."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.clock import Clock
from provisioning.feed import Feed
from provisioning.nm.link import Link
from provisioning.payloads import SetupNetwork
from provisioning.survey import Survey


@dataclass(frozen=True, slots=True)
class Means:
    """The way to NetworkManager, its signals, time, and what was seen on the air."""

    link: Link
    feed: Feed
    clock: Clock
    survey: Survey
    setup: SetupNetwork
