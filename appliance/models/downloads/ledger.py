"""What is known of all downloads: in memory, in the table, and told to whoever waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import msgspec

from appliance.domain.cancel import CancelToken
from appliance.errors import NotFound, QueueFull, StorageFailed
from appliance.models.downloads.item import UNFINISHED, Download, Key, Meter, Status
from appliance.models.downloads.plan import Plan, decode, encode
from appliance.observe.metrics_downloads import DownloadMetrics
from appliance.store.downloads import DownloadRow, DownloadRows

_log = logging.getLogger(__name__)
_MOST = 500
_TELL_SECONDS = 0.25  # progress is told no more often, a change of status always


@dataclass(slots=True)
class Kept:
    """One download; a new one is made whenever it begins anew."""

    item: Download
    plan: Plan
    cancel: CancelToken = field(default_factory=CancelToken)
    meter: Meter = field(default_factory=Meter)
    told: float = 0.0


class Ledger:
    """The downloads, the oldest first; hold `changed` to do several things as one.

    `clock` gives Unix seconds, `timer` measures speed. What cannot be written raises
    StorageFailed, except where a worker has nobody to tell it: then the log does.
    """

    def __init__(
        self,
        rows: DownloadRows,
        metrics: DownloadMetrics,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.changed = threading.Condition()  # guards what follows
        self._rows = rows
        self._metrics = metrics
        self._clock = clock
        self._timer = timer
        self._kept: dict[Key, Kept] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with every change, but for progress at most a few times a second."""
        return self._version

    def wait(self, seen: int, seconds: float) -> int:
        """The version, as soon as it is another one than `seen`, or after some seconds."""
        with self.changed:
            self.changed.wait_for(lambda: self._version != seen, seconds)
            return self._version

    def tell(self) -> None:
        """Wake who waits."""
        with self.changed:
            self._version += 1
            self.changed.notify_all()

    def all(self) -> tuple[Kept, ...]:
        """Every download."""
        with self.changed:
            return tuple(self._kept.values())

    def get(self, key: Key) -> Kept | None:
        """The download of that key."""
        with self.changed:
            return self._kept.get(key)

    def find(self, key: Key) -> Kept:
        """The download of that key; raises NotFound."""
        if kept := self.get(key):
            return kept
        raise NotFound(f"There is no download of '{key[1]}' from '{key[0]}'.")

    def load(self, here: Collection[Key]) -> None:
        """Take up what an earlier process left; `here` are the models that have come.

        What was at work or has failed waits again; what was cancelled or is gone is forgotten.
        """
        with self.changed:
            for row in self._rows.all():
                key = (row.repo, row.file)
                plan = _plan(row)
                done = key in here  # whatever the last words were
                if plan is None or not (done or row.status in ("queued", "downloading", "error")):
                    self._rows.drop(*key)
                    continue
                status: Status = "complete" if done else "queued"
                size = plan.size if done else 0
                item = Download(*key, status, plan.size, size, row.created, row.updated)
                self._kept[key] = Kept(item, plan)

    def add(self, plan: Plan) -> Kept:
        """Have a download wait, in place of an earlier one; raises QueueFull."""
        key, now = (plan.repo, plan.file), self._clock()
        with self.changed:
            if len(self._kept) >= _MOST and key not in self._kept:
                raise QueueFull("There are too many downloads; reset some of them first.")
            kept = Kept(Download(*key, "queued", plan.size, 0, now, now), plan)
            self._rows.put(_row(kept))
            self._kept[key] = kept
            self.tell()
            return kept

    def drop(self, key: Key) -> Kept:
        """Forget a download; raises NotFound."""
        with self.changed:
            kept = self.find(key)
            self._rows.drop(*key)
            del self._kept[key]
            self.tell()
            return kept

    def set(self, kept: Kept, status: Status, error: str = "") -> None:
        """Change a status."""
        with self.changed:
            done = kept.item.total if status == "complete" else kept.item.done
            kept.item = replace(
                kept.item, status=status, error=error, done=done, speed=0.0, updated=self._clock()
            )
            if status not in UNFINISHED:
                self._metrics.ended(status)
            self.tell()
            self._rows.put(_row(kept))

    def set_from_work(self, kept: Kept, status: Status, error: str = "") -> None:
        """Change a status where nobody could be told that it was not written down."""
        try:
            self.set(kept, status, error)
        except StorageFailed as failure:
            _log.error("a download's new status is not kept: %s", failure)

    def count(self, kept: Kept, done: int) -> None:
        """So many bytes were there before any came."""
        with self.changed:
            kept.item = replace(kept.item, done=done)

    def note(self, kept: Kept, done: int) -> None:
        """So many bytes are there now; whoever waits is told now and then."""
        now = self._timer()
        speed = kept.meter.note(now, done)
        self._metrics.received(max(0, done - kept.item.done))
        with self.changed:
            kept.item = replace(kept.item, done=done, speed=speed)
            if now - kept.told >= _TELL_SECONDS:
                kept.told = now
                self.tell()


def _plan(row: DownloadRow) -> Plan | None:
    try:
        return decode(row.plan)
    except msgspec.DecodeError:
        return None


def _row(kept: Kept) -> DownloadRow:
    item = kept.item
    return DownloadRow(
        item.repo,
        item.file,
        item.status,
        encode(kept.plan),
        item.error,
        item.created,
        item.updated,
    )
