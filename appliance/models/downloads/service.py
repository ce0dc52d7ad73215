"""All downloads: who waits, who is being fetched, what became of the others; survives restarts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import msgspec

from appliance.domain.cancel import CancelToken
from appliance.errors import LunaError, NotFound, QueueFull, ShuttingDown, StorageFailed
from appliance.models.downloads.area import Area, area_name, sweep
from appliance.models.downloads.item import UNFINISHED, Download, Key, Meter, Status
from appliance.models.downloads.job import Job, Means
from appliance.models.downloads.plan import Plan, decode, encode, make_plan
from appliance.models.folder import Entry
from appliance.models.hub.names import HubName
from appliance.models.hub.offers import Machine, Offer, choose, offers
from appliance.models.registry import Registry
from appliance.observe.metrics_downloads import DownloadMetrics
from appliance.store.downloads import DownloadRow, DownloadRows

_log = logging.getLogger(__name__)
_MOST = 500
_TELL_SECONDS = 0.25  # progress is told no more often, a change of status always
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 1.0  # who tells a client of a download notices by then that it has left


@dataclass(slots=True)
class _Kept:
    """What is known of a download; a new one is made whenever it begins anew."""

    item: Download
    plan: Plan
    cancel: CancelToken = field(default_factory=CancelToken)
    meter: Meter = field(default_factory=Meter)
    told: float = 0.0


class Downloads:
    """Fetches models into the registry's folder, up to `parallel` of them at once.

    `gone` is told of a model whose files were deleted with its download. Whoever wants to see
    changes compares `version`, or sleeps in `wait`, and reads `items`.
    """

    def __init__(
        self,
        means: Means,
        registry: Registry,
        rows: DownloadRows,
        parallel: int,
        metrics: DownloadMetrics,
        gone: Callable[[Entry], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._means = means
        self._registry = registry
        self._rows = rows
        self._parallel = parallel
        self._metrics = metrics
        self._gone = gone
        self._clock = clock
        self._changed = threading.Condition()  # guards what follows
        self._kept: dict[Key, _Kept] = {}
        self._threads: dict[Key, threading.Thread] = {}
        self._version = 0
        self._stopped = True

    # What is asked

    @property
    def version(self) -> int:
        """Grows with every change, but for progress at most a few times a second."""
        return self._version

    def wait(self, seen: int, seconds: float) -> int:
        """The version, as soon as it is another one than `seen`, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, seconds)
            return self._version

    def follow(self, key: Key, cancel: CancelToken) -> Iterator[Download]:
        """A download as it changes, and once a second, until it has ended.

        Raises NotFound when it is forgotten, ShuttingDown, and the reason of `cancel`.
        """
        seen = -1
        while True:
            seen = self.wait(seen, _LOOK_SECONDS)
            cancel.check()
            with self._changed:
                item, stopped = self._get(*key).item, self._stopped
            yield item
            if item.status not in UNFINISHED:
                return
            if stopped:
                raise ShuttingDown("Luna stops; the download goes on later.")

    def items(self, repo: str = "", file: str = "") -> tuple[Download, ...]:
        """Every download, of one repository or file if it is named; the oldest first.

        A model that was fetched and is gone from the folder is left out.
        """
        here = self._registry.downloaded()
        with self._changed:
            found = [kept.item for kept in self._kept.values()]
        return tuple(
            item
            for item in found
            if repo in ("", item.repo)
            and file in ("", item.file)
            and (item.status != "complete" or item.key in here)
        )

    # What is wanted

    def enqueue(self, repo: str, file: str) -> tuple[Download, bool]:
        """Ask for a model; also tells whether that is new, and not under way or here already.

        Raises NotFound if the hub has no such model, HubUnreachable, QueueFull, StorageFailed.
        """
        if known := self._known(repo, file):
            return known, False
        repository = self._means.hub.look(repo, CancelToken())
        for offer in offers(repository):
            if file in [part.path for part in offer.parts]:
                if known := self._known(repo, offer.file):
                    return known, False
                return self._add(make_plan(repository, offer))
        raise NotFound(f"There is no model '{file}' in '{repo}'.")

    def pick(self, name: HubName, machine: Machine) -> tuple[Offer, Download, bool]:
        """Ask for the model that a name means on a machine (see `offers.choose`); tells which."""
        repository = self._means.hub.look(name.repo, CancelToken(), name.revision)
        offer = choose(offers(repository), name.which, machine)
        if known := self._known(name.repo, offer.file):
            return offer, known, False
        return offer, *self._add(make_plan(repository, offer))

    def cancel(self, repo: str, file: str) -> Download:
        """Stop fetching; what came is kept until a reset or a restart. Raises NotFound."""
        with self._changed:
            kept = self._get(repo, file)
            if kept.item.status != "complete":
                kept.cancel.cancel()
                self._set(kept, "cancelled")
            return kept.item

    def reset(self, repo: str, file: str) -> Download:
        """Forget a download and delete all of its files, the model too. Raises NotFound."""
        with self._changed:
            kept = self._get(repo, file)
            self._rows.drop(repo, file)
            del self._kept[repo, file]
            kept.cancel.cancel()
            if (repo, file) not in self._threads:  # else the thread clears it when it ends
                Area(self._means.models, repo, file).clear()
            self._tell()
        if entry := self._registry.downloaded().get((repo, file)):
            self._registry.remove(entry)
            self._gone(entry)
        return kept.item

    # Life

    def start(self) -> None:
        """Take up what an earlier process left, and begin."""
        try:
            with self._changed:
                self._stopped = False
                for row in self._rows.all():
                    self._take_up(row)
                wanted = [k.item.key for k in self._kept.values() if k.item.status in UNFINISHED]
            sweep(self._means.models, {area_name(*key) for key in wanted})
        except StorageFailed as error:
            _log.error("downloads of earlier are not known: %s", error)
        self._begin_some()

    def stop(self) -> None:
        """End all work; what is not finished is taken up by the next start."""
        with self._changed:
            self._stopped = True
            self._tell()
            threads = list(self._threads.values())
            for kept in self._kept.values():
                kept.cancel.cancel(ShuttingDown("Luna stops; the download goes on later."))
        for thread in threads:
            thread.join(_STOP_SECONDS)

    # Work

    def _known(self, repo: str, file: str) -> Download | None:
        """The download if nothing is to be done for it."""
        for item in self.items(repo, file):
            if item.status in UNFINISHED or item.status == "complete":
                return item
        entry = self._registry.downloaded().get((repo, file))
        return _of_entry(entry, repo, file) if entry else None

    def _add(self, plan: Plan) -> tuple[Download, bool]:
        now = self._clock()
        key = (plan.repo, plan.file)
        with self._changed:
            if self._stopped:
                raise ShuttingDown("Luna stops; ask again when it is back.")
            known = self._kept.get(key)
            if known and known.item.status in UNFINISHED:  # two asked at once
                return known.item, False
            if len(self._kept) >= _MOST and known is None:
                raise QueueFull("There are too many downloads; reset some of them first.")
            kept = _Kept(Download(*key, "queued", plan.size, 0, now, now), plan)
            self._rows.put(_row(kept))
            self._kept[key] = kept
            self._tell()
        self._begin_some()
        return kept.item, True

    def _take_up(self, row: DownloadRow) -> None:
        """Go on with a download of an earlier process, or forget it."""
        try:
            plan = decode(row.plan)
        except msgspec.DecodeError:
            self._rows.drop(row.repo, row.file)
            return
        key = (row.repo, row.file)
        if key in self._registry.downloaded():  # whatever the last words were
            status: Status = "complete"
        elif row.status in ("queued", "downloading", "error"):
            status = "queued"
        else:
            self._rows.drop(*key)
            return
        item = Download(*key, status, plan.size, 0, row.created, row.updated, error=row.error)
        kept = self._kept[key] = _Kept(item, plan)
        self._count(kept)

    def _begin_some(self) -> None:
        """Have as many threads as may be, each with a download that waits."""
        with self._changed:
            for kept in self._kept.values():
                if self._stopped or len(self._threads) >= self._parallel:
                    return
                if kept.item.status == "queued" and kept.item.key not in self._threads:
                    thread = threading.Thread(
                        target=self._work, args=(kept,), name="luna-download", daemon=True
                    )
                    self._threads[kept.item.key] = thread
                    thread.start()

    def _work(self, kept: _Kept) -> None:
        key = kept.item.key
        self._count(kept)
        self._become(kept, "downloading")
        try:
            Job(kept.plan, self._means, kept.cancel, lambda done: self._note(kept, done)).run()
            self._registry.look_again()
            self._become(kept, "complete")
        except LunaError as error:
            if kept.cancel.reason is None:
                _log.warning("download of %s from %s failed: %s", key[1], key[0], error)
                self._become(kept, "error", error.message)
        except Exception:  # outermost loop
            _log.exception("download of %s from %s failed", key[1], key[0])
            self._become(kept, "error", "Something is wrong inside Luna; its log says more.")
        with self._changed:
            if key not in self._kept:
                Area(self._means.models, *key).clear()
            del self._threads[key]
        self._begin_some()

    def _get(self, repo: str, file: str) -> _Kept:
        if kept := self._kept.get((repo, file)):
            return kept
        raise NotFound(f"There is no download of '{file}' from '{repo}'.")

    def _count(self, kept: _Kept) -> None:
        """Take in what is on the disk already."""
        here = Area(self._means.models, *kept.item.key).bytes_here(kept.plan)
        done = kept.item.total if kept.item.status == "complete" else here
        kept.item = replace(kept.item, done=done)

    def _note(self, kept: _Kept, done: int) -> None:
        """Bytes have come; whoever waits is told now and then."""
        now = self._clock()
        speed = kept.meter.note(now, done)
        self._metrics.received(max(0, done - kept.item.done))
        with self._changed:
            kept.item = replace(kept.item, done=done, speed=speed)
            if now - kept.told >= _TELL_SECONDS:
                kept.told = now
                self._tell()

    def _become(self, kept: _Kept, status: Status, error: str = "") -> None:
        """Change the status, unless the download was cancelled or is stopped meanwhile."""
        with self._changed:
            if kept.cancel.reason is None:
                try:
                    self._set(kept, status, error)
                except StorageFailed as failure:
                    _log.error("a download's new status is not kept: %s", failure)

    def _set(self, kept: _Kept, status: Status, error: str = "") -> None:
        done = kept.item.total if status == "complete" else kept.item.done
        kept.item = replace(
            kept.item, status=status, error=error, done=done, speed=0.0, updated=self._clock()
        )
        if status not in UNFINISHED:
            self._metrics.ended(status)
        self._tell()
        self._rows.put(_row(kept))

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()


def _row(kept: _Kept) -> DownloadRow:
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


def _of_entry(entry: Entry, repo: str, file: str) -> Download:
    """What can be told of a model that is here, but whose download nobody remembers."""
    size, time = entry.size_bytes, entry.changed
    return Download(repo, file, "complete", size, size, time, time)
