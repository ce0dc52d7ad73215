"""The API keys that are kept, hashed; and the ring of them that requests are held against.

A file beside the database says that the models are closed. It is there before the first key and
until the last one is revoked, so that a damaged database, which is begun anew, opens nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.keys import SCOPES, Key, Keyring, Scope
from appliance.errors import BadRequest, NotFound
from appliance.store.database import Database, touch

# A file that was written to this short ago may be again without a newer time to show for it.
_UNSETTLED_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key, and when it was made in seconds since the epoch."""

    key: Key
    made: float


class Keys:
    """Makes, lists and revokes keys; `closed` is the file that says that the models are."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self.closed = database.path.with_name("models-closed")

    def add(self, name: str, scopes: Iterable[Scope], digest: bytes) -> None:
        """Keep a new key; raises BadRequest if there is one of that name."""
        words = " ".join(sorted(scopes))
        if "inference" in words.split():
            touch(self.closed)
        with self._database.writing() as connection:
            done = connection.execute(
                "INSERT INTO keys (name, digest, scopes, made) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO NOTHING",
                (name, digest, words, self._clock()),
            ).rowcount
        if not done:
            raise BadRequest(f"There is a key '{name}' already; choose another name.")

    def revoke(self, name: str) -> None:
        """Forget a key, which opens nothing from now on; raises NotFound."""
        with self._database.writing() as connection:
            gone = connection.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount
        if not gone:
            raise NotFound(
                f"There is no key '{name}'; `luna keys list` shows those that there are."
            )
        if not self.for_inference():
            self.closed.unlink(missing_ok=True)

    def all(self) -> tuple[KeptKey, ...]:
        """Every key, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name, scopes, digest, made FROM keys ORDER BY made, name"
            ).fetchall()
        return tuple(
            KeptKey(Key(name, _scopes(words), digest), made) for name, words, digest, made in rows
        )

    def for_inference(self) -> bool:
        """Whether there is a key to the models."""
        return Keyring(each.key for each in self.all()).closes_inference


class CurrentKeys:
    """The ring of this moment, also after another process has changed it.

    A look costs three calls of stat(2); SQL is asked only after the file has changed. `changed` is
    told of a ring that may be another one.
    """

    def __init__(
        self,
        keys: Keys,
        file: Path,
        clock: Callable[[], int] = time.time_ns,
        changed: Callable[[Keyring], object] = lambda ring: None,
    ) -> None:
        self._keys = keys
        self._told = changed
        self._files = (file, file.with_name(f"{file.name}-wal"), keys.closed)
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[object, ...] | None = None
        self._ring = Keyring()

    def ring(self) -> Keyring:
        """Raises StorageFailed while the file is there and cannot be read."""
        with self._lock:
            stamps = tuple(_stamp(file) for file in self._files)
            if stamps != self._seen:
                # Where nothing is written there are no keys, and nothing has to be made for that.
                kept = self._keys.all() if any(stamp and stamp[1] for stamp in stamps) else ()
                closed = stamps[-1] is not None
                self._ring = Keyring((each.key for each in kept), closed=closed)
                self._told(self._ring)
                newest = max((stamp[0] for stamp in stamps if stamp), default=0)
                settled = abs(self._clock() - newest) > _UNSETTLED_NS
                self._seen = stamps if settled else None
            return self._ring


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _scopes(words: str) -> frozenset[Scope]:
    return frozenset(scope for scope in SCOPES if scope in words.split())
