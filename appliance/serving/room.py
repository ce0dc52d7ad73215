"""Which models leave memory so that another one fits; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from appliance.domain.model_size import required_bytes
from appliance.errors import ModelLoading
from appliance.models.folder import Entry


class Tenant(Protocol):
    """A model in memory; `used` is the time of its last use, `users` how many use it now."""

    entry: Entry
    used: float
    users: int


_T = TypeVar("_T", bound=Tenant)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many models may be in memory, and how many bytes all of them may need."""

    models: int
    bytes: float


def leaving(
    wanted: Entry, tenants: Iterable[_T], pinned: frozenset[str], limits: Limits
) -> list[_T]:
    """Who goes so that `wanted` fits: the one unused for longest first, pinned ones never.

    What a model needs is estimated, so one that is too large for the whole limit is still tried,
    alone. Raises ModelLoading where those that must stay leave no room.
    """
    held = list(tenants)
    idle = sorted((each for each in held if _may_go(each, pinned)), key=lambda each: each.used)
    gone: list[_T] = []
    while held and not _fits(wanted, held, limits):
        if not idle:
            raise ModelLoading(_no_room(wanted, held, pinned), retry_after=5)
        gone.append(idle.pop(0))
        held.remove(gone[-1])
    return gone


def _may_go(tenant: Tenant, pinned: frozenset[str]) -> bool:
    return not tenant.users and tenant.entry.id not in pinned


def _fits(wanted: Entry, held: list[_T], limits: Limits) -> bool:
    needed = sum(required_bytes(each.entry.size_bytes) for each in held)
    enough = needed + required_bytes(wanted.size_bytes) <= limits.bytes
    return enough and len(held) < limits.models


def _no_room(wanted: Entry, held: list[_T], pinned: frozenset[str]) -> str:
    if all(each.entry.id in pinned for each in held):
        return (
            f"There is no room for '{wanted.id}' beside the pinned models; take one out of "
            "models.pinned, or raise models.max_loaded or models.memory_bytes."
        )
    return (
        f"There is no room for '{wanted.id}' while the loaded models are busy; try again in a "
        "moment, or raise models.max_loaded or models.memory_bytes."
    )
