"""Copying models: under hidden names, checked, then renamed; nothing is ever half there."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.errors import LunaError
from appliance.importing.progress import Progress
from appliance.importing.stick import Item, NotTaken, find, updates
from appliance.models.folder import scan
from appliance.system.disk import read_disk
from appliance.system.files import sync

_CHUNK = 4 * 2**20
_SPARE = 500 * 10**6  # bytes that are left to everything else
_TELL_EVERY = 0.5  # seconds
_HIDDEN = ".importing-"
_LOCK = ".import.lock"
_log = logging.getLogger(__name__)


def _free(folder: Path) -> int:
    return read_disk(folder).free_bytes


@dataclass(slots=True)
class Importer:
    """Copies from `stick` into `models`, and tells how far it is."""

    stick: Path
    models: Path
    tell: Callable[[Progress], None]
    free: Callable[[Path], int] = _free
    clock: Callable[[], float] = time.monotonic
    _done: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)
    _told_at: float = field(default=float("-inf"), init=False)

    def run(self) -> Progress:
        """Import everything; what was told last, which says what was left out and why."""
        with self._alone():
            items = find(self.stick)
            self._total = sum(item.size_bytes for item in items)
            taken, problems = [], []
            for item in items:
                try:
                    self._take(item)
                    taken.append(item.name)
                except (LunaError, OSError) as error:
                    problems.append(f"{item.name}: {_reason(error)}")
                    _log.warning("%s was not imported: %s", item.name, _reason(error))
        result = _result(items, taken, problems, update=bool(updates(self.stick)))
        self.tell(result)
        return result

    def _take(self, item: Item) -> None:
        if item.problem:
            raise NotTaken(item.problem)
        target = self.models / item.name
        if target.exists():
            self._already(item, target)
            return
        if item.size_bytes + _SPARE > self.free(self.models):
            raise NotTaken("There is not enough room for it; remove a model: luna models rm NAME")
        hidden = self.models / f"{_HIDDEN}{item.name}"
        _make_for_group(hidden)
        try:
            for file in item.files:
                self._copy(file, hidden / file.name, item.name)
            self._check(item, hidden)
            sync(hidden)
            hidden.rename(target)
            sync(self.models)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
        _log.info("%s was imported", item.name)

    def _already(self, item: Item, target: Path) -> None:
        """The same model may be there; another one of that name is not replaced."""
        for file in item.files:
            there = target / file.name
            if not there.is_file() or there.stat().st_size != file.stat().st_size:
                raise NotTaken(
                    f"There is another model of this name; remove it: luna models rm '{item.name}'"
                )
        self._done += item.size_bytes

    def _copy(self, source: Path, target: Path, name: str) -> None:
        with source.open("rb") as reading, target.open("xb") as writing:
            while chunk := reading.read(_CHUNK):
                writing.write(chunk)
                self._done += len(chunk)
                self._tell_now_and_then(name)
            writing.flush()
            os.fsync(writing.fileno())

    def _check(self, item: Item, hidden: Path) -> None:
        copied = sum(each.stat().st_size for each in hidden.iterdir())
        if copied != item.size_bytes:
            raise NotTaken("Its size changed while it was copied; plug the stick in again.")
        for entry in scan(hidden):
            if not entry.usable:
                raise NotTaken(entry.problem)

    def _tell_now_and_then(self, name: str) -> None:
        if self.clock() - self._told_at >= _TELL_EVERY:
            self._told_at = self.clock()
            self.tell(Progress("copying", f"{name} is copied", self._done, self._total))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two sticks come one after the other; what a power cut left goes first."""
        with (self.models / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for leftover in self.models.glob(f"{_HIDDEN}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield


def _make_for_group(folder: Path) -> None:
    """A folder that the server's group may remove again, also where root imports.

    By umask: the bit that hands the group on comes from the folder above, and a sandboxed service
    may not name it in a chmod (RestrictSUIDSGID=).
    """
    before = os.umask(0o002)
    try:
        folder.mkdir()
    finally:
        os.umask(before)


def _result(
    items: Sequence[Item], taken: list[str], problems: list[str], *, update: bool
) -> Progress:
    told = tuple(problems)
    if not items and update:
        return Progress("done", "There is an update on this stick.")
    if not items:
        return Progress("done", "There is no model on this stick: no .gguf or .rkllm file.")
    if not taken:
        return Progress("failed", "No model was imported.", problems=told)
    some = taken[0] if len(taken) == 1 else f"{len(taken)} models"
    # What else is on it may still be needed.
    then = "there is an update, too" if update else "the stick may be removed"
    total = sum(item.size_bytes for item in items)
    return Progress("done", f"{some} can be used now; {then}.", total, total, told)


def _reason(error: LunaError | OSError) -> str:
    if isinstance(error, OSError):
        return f"it could not be copied ({error.strerror or error})."
    return error.message
