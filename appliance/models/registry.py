"""Names to models: ids, aliases, the default, and what to say to an unknown name."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from appliance.errors import BadRequest, ModelLoadFailed, ModelNotFound
from appliance.models import changes
from appliance.models.folder import Entry, inspect, scan
from appliance.models.hub.names import hub_names
from appliance.settings import ModelSettings

_FRESH = 1.0  # seconds that a scan is trusted: a dropped file is seen by the next request


class Registry:
    """The models of one folder and the bundled one; sees changes by itself."""

    def __init__(
        self,
        folder: Path,
        settings: ModelSettings,
        bundled: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._scanned: tuple[float, tuple[Entry, ...]] | None = None
        self._leading: dict[str, str] = {}
        self._failures: dict[str, tuple[tuple[int, ...], str]] = {}
        self._bundled = (replace(inspect(bundled, bundled.stem), bundled=True),) if bundled else ()

    def entries(self) -> tuple[Entry, ...]:
        """All models: the default at the very front, those that cannot be used last."""
        with self._lock:
            now = self._clock()
            if self._scanned is None or now - self._scanned[0] > _FRESH:
                known = self._scanned[1] if self._scanned else ()
                found = scan(self._folder, known)
                ids = {entry.id for entry in found}
                own = tuple(entry for entry in self._bundled if entry.id not in ids)
                self._scanned = (now, found + own)
            entries = self._scanned[1]
        good = [entry for entry in entries if entry.usable and not self.load_failure(entry)]
        leading = next(reversed(self._leading.values()), "")
        default = _default(good, leading, self._settings.default)
        return tuple(
            sorted(entries, key=lambda e: (e is not default, not e.usable, e not in good, e.id))
        )

    def note_load(self, entry: Entry, failure: str = "") -> None:
        """Remember how loading went: the default is not a model that failed, until it changes."""
        with self._lock:
            self._failures.pop(entry.id, None)
            if failure:
                self._failures[entry.id] = (entry.stamp, failure)

    def load_failure(self, entry: Entry) -> str:
        """Why this very file could not be loaded the last time; "" if nothing is known."""
        stamp, failure = self._failures.get(entry.id, ((), ""))
        return failure if stamp == entry.stamp else ""

    def default(self) -> Entry:
        """The model for requests that name none; raises ModelNotFound without any model."""
        entries = self.entries()
        if not entries or not entries[0].usable:
            raise ModelNotFound(
                f"There is no usable model. Copy a GGUF file into {self._folder}.", param="model"
            )
        return entries[0]

    def resolve(self, name: str) -> Entry:
        """The model that `name` means: an id, an alias, or the default for an unknown name.

        Case and a trailing ":latest" do not matter. Raises ModelNotFound, or ModelLoadFailed for
        a model that is there but broken.
        """
        entry = self._named(name)
        if entry is None:
            if name and not self._settings.fallback:
                known = ", ".join(e.id for e in self.entries() if e.usable) or "none"
                raise ModelNotFound(
                    f"The model '{name}' does not exist. These do: {known}.", param="model"
                )
            return self.default()
        if not entry.usable:
            raise ModelLoadFailed(f"The model '{entry.id}' cannot be used. {entry.problem}")
        return entry

    def find(self, name: str) -> Entry:
        """The model that `name` means, without any fallback; raises ModelNotFound."""
        entry = self._named(name)
        if entry is None:
            raise ModelNotFound(f"The model '{name}' does not exist.", param="model")
        return entry

    def public_name(self, name: str, entry: Entry) -> str:
        """What an answer calls its model: the name it was asked by, if that means this model."""
        return name if name and self._named(name) == entry else entry.id

    def lead(self, names: Mapping[str, str]) -> None:
        """Have each of these names mean the model of that id, and the last one be the default.

        They take the place of those that were given before.
        """
        with self._lock:
            self._leading = {name.casefold(): id for name, id in names.items()}

    def downloaded(self) -> dict[tuple[str, str], Entry]:
        """The models that were fetched from a hub, by their repository and file there."""
        return {
            (source.repo, source.file): entry
            for entry in self.entries()
            if (source := entry.manifest.source) is not None
        }

    def remove(self, entry: Entry) -> None:
        """Delete a model; raises BadRequest for the bundled one, or StorageFailed."""
        changes.remove(entry, self._folder)
        self.look_again()

    def copy(self, entry: Entry, name: str) -> None:
        """Give a model a second name; raises BadRequest for one that cannot be, StorageFailed."""
        wanted = name.removesuffix(":latest")
        if self._named(wanted) is not None:
            raise BadRequest(f"There is a model '{wanted}' already.", param="destination")
        changes.copy(entry, self._folder, wanted)
        self.look_again()

    def aliases(self) -> dict[str, str]:
        """Every alias and the id that it means now."""
        names = list(self._settings.aliases)
        names += [alias for entry in self.entries() for alias in entry.manifest.aliases]
        found = {name: self._named(name) for name in names}
        return {name: entry.id for name, entry in found.items() if entry is not None}

    def look_again(self) -> None:
        """Trust no earlier look at the folder: something in it has just changed."""
        with self._lock:
            if self._scanned is not None:
                self._scanned = (-math.inf, self._scanned[1])

    def _named(self, name: str, passed: frozenset[str] = frozenset()) -> Entry | None:
        """The entry of a name; `passed` are the aliases that led to it, which may be a circle."""
        wanted = name.removesuffix(":latest").casefold()
        entries = self.entries()
        for entry in entries:
            if entry.id.casefold() == wanted:
                return entry
        if (leading := self._leading.get(wanted)) is not None:
            return next((entry for entry in entries if entry.id == leading), None)
        for alias, target in self._settings.aliases.items():
            if alias.casefold() == wanted:
                circle = target.casefold() in passed | {wanted}
                if not target or circle:
                    return _first_usable(entries)
                return self._named(target, passed | {wanted})
        for entry in entries:
            if wanted in (alias.casefold() for alias in entry.manifest.aliases):
                return entry
        return _by_source(entries, wanted)


def _by_source(entries: Sequence[Entry], wanted: str) -> Entry | None:
    """The model that was fetched by such a name: of a repository, or of a file of one."""
    for entry in entries:
        source = entry.manifest.source
        if source is not None and wanted in hub_names(source.repo, source.file):
            return entry
    return None


def _first_usable(entries: tuple[Entry, ...]) -> Entry | None:
    return next((entry for entry in entries if entry.usable), None)


def _default(good: Sequence[Entry], *wanted: str) -> Entry | None:
    """The first wanted model that is there, else the newest of the folder, else the bundled one."""
    for name in wanted:
        for entry in good:
            if entry.id.casefold() == name.casefold():
                return entry
    return max(good, key=lambda entry: (not entry.bundled, entry.changed), default=None)
