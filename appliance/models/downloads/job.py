"""The work of one download: every file of its plan, tried again where that helps, then shown."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.cancel import CancelToken
from appliance.errors import DiskFull, HubUnreachable, StorageFailed
from appliance.models.downloads.area import Area
from appliance.models.downloads.plan import Plan
from appliance.models.downloads.transfer import Source, Transfer, WrongContent
from appliance.models.hub.hub import Hub
from appliance.models.manifest import BadManifest, compose, read
from appliance.models.manifest import Source as Origin

_TRIES = 10
_LONGEST_PAUSE = 60.0
_PROGRESS = 2**20  # bytes: a line that brings that much between its cuts is worth more tries


def pause(cancel: CancelToken, seconds: float) -> None:
    """Let time pass; raises the token's reason as soon as there is one."""
    over = threading.Event()
    with cancel.calling(over.set):
        over.wait(seconds)
    cancel.check()


@dataclass(frozen=True, slots=True)
class Means:
    """What jobs work with: `free` is how many bytes the models' disk has, `wait` lets time pass.

    `chance` is a random number from 0 to 1, so that no two devices knock at the same moment.
    """

    hub: Hub
    models: Path
    free: Callable[[], int]
    keep_free: int
    wait: Callable[[CancelToken, float], None] = pause
    chance: Callable[[], float] = random.random


class Job:
    """Fetches what `plan` says; `note` is told of bytes that are here, of all files together."""

    def __init__(
        self, plan: Plan, means: Means, cancel: CancelToken, note: Callable[[int], None]
    ) -> None:
        self._plan = plan
        self._means = means
        self._cancel = cancel
        self._note = note
        self._area = Area(means.models, plan.repo, plan.file)

    def run(self) -> Path:
        """Have the model in the models folder; returns its folder. Raises LunaErrors."""
        with self._area.held():
            self._check_room()
            for number in range(len(self._plan.pieces)):
                if not self._area.is_done(self._plan, number):
                    self._fetch(number)
                    self._area.keep(self._plan, number)
            self._cancel.check()
            plan = self._plan
            origin = Origin(plan.repo, plan.file, plan.commit)
            return self._area.land(self._id(), compose(origin))

    def _fetch(self, number: int) -> None:
        plan, part = self._plan, self._area.part(number)
        source = Source(self._means.hub, plan.repo, plan.commit, plan.pieces[number].remote)
        others = self._area.bytes_here(plan) - _size(part)
        failures, counted, repeated = 0, _size(part), False
        while True:
            try:
                Transfer(
                    source, part, self._cancel, lambda here: self._note(others + here), self._room
                ).run()
                return
            except HubUnreachable as error:
                if _size(part) - counted >= _PROGRESS:
                    failures, counted = 0, _size(part)
                failures += 1
                if failures >= _TRIES:
                    raise
                self._means.wait(self._cancel, max(error.retry_after, self._delay(failures)))
            except WrongContent as error:
                if repeated or not error.resumed:
                    raise
                repeated = True

    def _delay(self, failures: int) -> float:
        """Seconds, about twice as long each time."""
        return min(_LONGEST_PAUSE, 2.0 ** (failures - 1)) * (0.5 + self._means.chance() / 2)

    def _check_room(self) -> None:
        missing = self._plan.size - self._area.bytes_here(self._plan)
        spare = self._means.free() - self._means.keep_free
        if missing > max(0, spare):
            raise DiskFull(
                f"The disk has too little room: {missing / 1e9:.2f} GB are still to come, and only "
                f"{max(0, spare) / 1e9:.2f} GB may be taken. Delete a model, then try again."
            )

    def _room(self) -> bool:
        return self._means.free() >= self._means.keep_free

    def _id(self) -> str:
        """The model's own name, or with its owner's before it where another model has that one."""
        plain = self._plan.id
        for id in (plain, f"{self._plan.repo.partition('/')[0]}.{plain}"):
            folder = self._means.models / id
            if not folder.exists() or self._is_ours(folder):
                return id
        raise StorageFailed(f"There are other models called '{plain}'; delete or rename them.")

    def _is_ours(self, folder: Path) -> bool:
        try:
            source = read(folder).source
        except BadManifest:
            return False
        return source is not None and (source.repo, source.file) == (
            self._plan.repo,
            self._plan.file,
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
