"""Prompt-cache files of the runtime: found by what they depend on, within a disk budget.

Beside each `NAME.cache` lies a record `NAME.json`, written last: a file without a record, or that
is not what its record says, was never finished or was damaged, and is removed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import msgspec

from appliance.system.files import sync

_log = logging.getLogger(__name__)
_SAMPLE = 2**20  # bytes at the beginning, in the middle and at the end of a model


@dataclass(frozen=True, slots=True)
class Identity:
    """All that the state of a prompt depends on, beside its tokens.

    `model` is a `model_identity`, `template` a digest, `lora` the adapter's identity (not only its
    name: a file may be replaced), `context` the loaded length in tokens.
    """

    model: str
    runtime: str
    template: str = ""
    lora: str = ""
    context: int = 0

    @property
    def digest(self) -> str:
        """The same for the same, in any process."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()


class _Record(msgspec.Struct, frozen=True):
    identity: str
    tokens: tuple[int, ...]
    size: int
    content: str


@dataclass(slots=True)
class _Entry:
    record: _Record
    path: Path
    used: float
    verified: bool


class PrefixFiles:
    """The files of one folder, which is made. One object may serve many models and threads.

    `budget` is in bytes, of cache files alone. Raises OSError if the folder cannot be read.
    """

    def __init__(self, folder: Path, budget: int, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._budget = budget
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._read()
        self._evict()

    def find(self, identity: Identity, tokens: Sequence[int]) -> tuple[Path, int] | None:
        """The file with the longest state that `tokens` go on from, and its number of tokens.

        At least one token is left to run. It counts as used now.
        """
        tokens, digest = tuple(tokens), identity.digest
        with self._lock:
            fitting = [
                name
                for name, entry in self._entries.items()
                if entry.record.identity == digest
                and len(entry.record.tokens) < len(tokens)
                and tokens[: len(entry.record.tokens)] == entry.record.tokens
            ]
            for name in sorted(fitting, key=self._length, reverse=True):
                entry = self._entries[name]
                if self._usable(entry):
                    return entry.path, len(entry.record.tokens)
                _log.warning("The prompt cache %s was damaged and is removed.", entry.path.name)
                self._remove(name)
        return None

    def has(self, identity: Identity, tokens: Sequence[int]) -> bool:
        """Whether there is a file for exactly these tokens."""
        with self._lock:
            return _name(identity, tokens) in self._entries

    def place(self, identity: Identity, tokens: Sequence[int]) -> Path:
        """Where the runtime shall write the state of `tokens`; `add` it afterwards."""
        return self._folder / f"{_name(identity, tokens)}.part"

    def add(self, identity: Identity, tokens: Sequence[int]) -> bool:
        """Take over what was written; others make room for it. False if it cannot be kept."""
        part, name = self.place(identity, tokens), _name(identity, tokens)
        with self._lock:
            try:
                size = part.stat().st_size
                if not 0 < size <= self._budget:
                    part.unlink()
                    return False
                self._evict(size)
                record = _Record(identity.digest, tuple(tokens), size, _content(part))
                self._entries[name] = self._publish(name, part, record)
            except OSError as error:
                _log.warning("A prompt cache could not be kept: %s.", error.strerror)
                _unlink(part)
                self._remove(name)
                return False
        return True

    def drop(self, path: Path) -> None:
        """Remove a file: the runtime does not accept it, or it was not finished."""
        with self._lock:
            _unlink(path)
            self._remove(path.stem)

    def _length(self, name: str) -> int:
        return len(self._entries[name].record.tokens)

    def _usable(self, entry: _Entry) -> bool:
        """Whether the file is what its record says; its content is read once a process."""
        try:
            if entry.path.stat().st_size != entry.record.size:
                return False
            if not entry.verified:
                entry.verified = _content(entry.path) == entry.record.content
            entry.used = self._clock()
            os.utime(entry.path, (entry.used, entry.used))
        except OSError:
            return False
        return entry.verified

    def _publish(self, name: str, part: Path, record: _Record) -> _Entry:
        path = self._folder / f"{name}.cache"
        sync(part)
        part.replace(path)
        part.write_bytes(msgspec.json.encode(record))
        sync(part)
        part.replace(path.with_suffix(".json"))
        sync(self._folder)
        used = self._clock()
        os.utime(path, (used, used))
        return _Entry(record, path, used, verified=True)

    def _read(self) -> None:
        for file in list(self._folder.glob("*.json")):
            path = file.with_suffix(".cache")
            try:
                record = msgspec.json.decode(file.read_bytes(), type=_Record)
                stat = path.stat()
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if stat.st_size == record.size:
                self._entries[file.stem] = _Entry(record, path, stat.st_mtime, verified=False)
        for file in self._folder.iterdir():
            known = file.stem in self._entries and file.suffix in (".cache", ".json")
            if file.suffix in (".cache", ".json", ".part") and not known:
                _unlink(file)

    def _evict(self, needed: int = 0) -> None:
        """Remove the least recently used until `needed` more bytes fit."""
        total = sum(entry.record.size for entry in self._entries.values())
        for name in sorted(self._entries, key=lambda name: self._entries[name].used):
            if total + needed <= self._budget:
                return
            total -= self._entries[name].record.size
            self._remove(name)

    def _remove(self, name: str) -> None:
        # The record last: while it is there, what is left is known to be no whole entry.
        for suffix in (".cache", ".json"):
            _unlink(self._folder / f"{name}{suffix}")
        self._entries.pop(name, None)


def model_identity(path: Path) -> str:
    """What tells a file from every other that may take its place; raises OSError.

    Size, time of change, and samples of the content: a model has gigabytes.
    """
    stat = path.stat()
    digest = hashlib.sha256(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    with path.open("rb") as file:
        for start in (0, stat.st_size // 2, max(0, stat.st_size - _SAMPLE)):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def _name(identity: Identity, tokens: Sequence[int]) -> str:
    digest = hashlib.sha256(identity.digest.encode())
    digest.update(array("q", tokens).tobytes())
    return digest.hexdigest()[:32]


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("The prompt cache %s cannot be removed: %s.", path.name, error.strerror)
