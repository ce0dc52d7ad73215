"""All downloads: who waits, who is being fetched, what became of the others; survives restarts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from appliance.domain.cancel import CancelToken
from appliance.errors import LunaError, NotFound, ShuttingDown, StorageFailed
from appliance.models import changes
from appliance.models.downloads.area import Area, area_name, sweep
from appliance.models.downloads.item import UNFINISHED, Download, Key
from appliance.models.downloads.job import Job, Means
from appliance.models.downloads.ledger import Kept, Ledger
from appliance.models.downloads.plan import Plan, make_plan
from appliance.models.folder import Entry
from appliance.models.hub.names import HubName
from appliance.models.hub.offers import Machine, Offer, choose, offers
from appliance.models.registry import Registry

_log = logging.getLogger(__name__)
_STOP_SECONDS = 15.0
_LOOK_SECONDS = 1.0  # who tells a client of a download notices by then that it has left


class Downloads:
    """Fetches models into the registry's folder, up to `parallel` of them at once.

    `gone` is told of a model whose files were deleted with its download. Whoever wants to see
    changes compares `version`, or sleeps in `wait`, and reads `items`.
    """

    def __init__(
        self,
        means: Means,
        registry: Registry,
        ledger: Ledger,
        parallel: int,
        gone: Callable[[Entry], None],
    ) -> None:
        self._means = means
        self._registry = registry
        self._ledger = ledger
        self._parallel = parallel
        self._gone = gone
        self._threads: dict[Key, threading.Thread] = {}  # guarded by the ledger's lock
        self._stopped = True

    @property
    def version(self) -> int:
        """Grows with every change, but for progress at most a few times a second."""
        return self._ledger.version

    def wait(self, seen: int, seconds: float) -> int:
        """The version, as soon as it is another one than `seen`, or after some seconds."""
        return self._ledger.wait(seen, seconds)

    def items(self, repo: str = "", file: str = "") -> tuple[Download, ...]:
        """Every download, of one repository or file if it is named; the oldest first.

        A model that was fetched and is gone from the folder is left out.
        """
        here = self._registry.downloaded()
        return tuple(
            item
            for item in (kept.item for kept in self._ledger.all())
            if repo in ("", item.repo)
            and file in ("", item.file)
            and (item.status != "complete" or item.key in here)
        )

    def follow(self, key: Key, cancel: CancelToken) -> Iterator[Download]:
        """A download as it changes, and once a second, until it has ended.

        Raises NotFound when it is forgotten, ShuttingDown, and the reason of `cancel`.
        """
        seen = -1
        while True:
            seen = self.wait(seen, _LOOK_SECONDS)
            cancel.check()
            stopped, item = self._stopped, self._ledger.find(key).item
            yield item
            if item.status not in UNFINISHED:
                return
            if stopped:
                raise ShuttingDown("Luna stops; the download goes on later.")

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
        with self._ledger.changed:
            kept = self._ledger.find((repo, file))
            if kept.item.status != "complete":
                kept.cancel.cancel()
                self._ledger.set(kept, "cancelled")
            return kept.item

    def reset(self, repo: str, file: str) -> Download:
        """Forget a download and delete all of its files, the model too. Raises NotFound."""
        key = (repo, file)
        with self._ledger.changed:
            kept = self._ledger.drop(key)
            kept.cancel.cancel()
            if key not in self._threads:  # else the thread clears it when it ends
                self._area(key).clear()
        self._delete(key)
        return kept.item

    def start(self) -> None:
        """Take up what an earlier process left, and begin."""
        self._stopped = False
        try:
            self._ledger.load(self._registry.downloaded())
            waiting = [k for k in self._ledger.all() if k.item.status in UNFINISHED]
            changes.sweep(self._means.models)
            sweep(self._means.models, {area_name(*kept.item.key) for kept in waiting})
        except StorageFailed as error:
            _log.error("downloads of earlier are not known: %s", error)
            return
        for kept in waiting:
            self._ledger.count(kept, self._area(kept.item.key).bytes_here(kept.plan))
        self._begin_some()

    def stop(self) -> None:
        """End all work; what is not finished is taken up by the next start."""
        with self._ledger.changed:
            self._stopped = True
            self._ledger.tell()
            threads = list(self._threads.values())
            for kept in self._ledger.all():
                kept.cancel.cancel(ShuttingDown("Luna stops; the download goes on later."))
        for thread in threads:
            thread.join(_STOP_SECONDS)

    def _known(self, repo: str, file: str) -> Download | None:
        """The download if nothing is to be done for it."""
        for item in self.items(repo, file):
            if item.status in UNFINISHED or item.status == "complete":
                return item
        entry = self._registry.downloaded().get((repo, file))
        return _of_entry(entry, repo, file) if entry else None

    def _add(self, plan: Plan) -> tuple[Download, bool]:
        with self._ledger.changed:
            if self._stopped:
                raise ShuttingDown("Luna stops; ask again when it is back.")
            known = self._ledger.get((plan.repo, plan.file))
            if known and known.item.status in UNFINISHED:  # two asked at once
                return known.item, False
            kept = self._ledger.add(plan)
        item = kept.item
        self._begin_some()
        return item, True

    def _begin_some(self) -> None:
        """Have as many threads as may be, each with a download that waits."""
        with self._ledger.changed:
            for kept in self._ledger.all():
                if self._stopped or len(self._threads) >= self._parallel:
                    return
                key = kept.item.key
                if kept.item.status == "queued" and key not in self._threads:
                    thread = threading.Thread(
                        target=self._work, args=(kept,), name="luna-download", daemon=True
                    )
                    self._threads[key] = thread
                    thread.start()

    def _work(self, kept: Kept) -> None:
        key = kept.item.key
        try:
            self._fetch(kept)
        except LunaError as error:
            self._failed(kept, error.message)
        except Exception:  # outermost loop
            _log.exception("download of %s from %s failed", key[1], key[0])
            self._failed(kept, "Something is wrong inside Luna; its log says more.")
        with self._ledger.changed:
            if self._ledger.get(key) is None:
                self._area(key).clear()
            del self._threads[key]
        self._begin_some()

    def _failed(self, kept: Kept, why: str) -> None:
        with self._ledger.changed:
            if kept.cancel.reason is None:  # else that is why
                _log.warning("%s from %s is not fetched: %s", kept.plan.file, kept.plan.repo, why)
                self._ledger.set_from_work(kept, "error", why)

    def _fetch(self, kept: Kept) -> None:
        key = kept.item.key
        self._ledger.count(kept, self._area(key).bytes_here(kept.plan))
        with self._ledger.changed:
            kept.cancel.check()
            self._ledger.set_from_work(kept, "downloading")
        Job(kept.plan, self._means, kept.cancel, lambda done: self._ledger.note(kept, done)).run()
        self._registry.look_again()
        with self._ledger.changed:
            current = self._ledger.get(key)
            if current is None:  # a reset came too late for the job
                self._delete(key)
            else:
                self._ledger.set_from_work(current, "complete")

    def _delete(self, key: Key) -> None:
        if entry := self._registry.downloaded().get(key):
            self._registry.remove(entry)
            self._gone(entry)

    def _area(self, key: Key) -> Area:
        return Area(self._means.models, *key)


def _of_entry(entry: Entry, repo: str, file: str) -> Download:
    """What can be told of a model that is here, but whose download nobody remembers."""
    size, time = entry.size_bytes, entry.changed
    return Download(repo, file, "complete", size, size, time, time)
