"""What some repositories offer, as the hub told it the last time: there without any network."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from appliance.domain.cancel import CancelToken
from appliance.errors import HubUnreachable, LunaError, ShuttingDown, StorageFailed
from appliance.models.hub.hub import Hub
from appliance.models.hub.repository import Repository
from appliance.store.downloads import OfferRows

_log = logging.getLogger(__name__)
_FRESH_SECONDS = 12 * 3600.0
_AGAIN_SECONDS = 120.0  # after the hub could not be reached


class Shelf:
    """Knows `repos` of the hub; looking at it asks the hub now and then, in the background.

    `hub` is the hub's address.
    """

    def __init__(
        self,
        hub: Hub,
        rows: OfferRows,
        repos: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.hub = hub.url
        self._hub = hub
        self._rows = rows
        self._repos = tuple(repos)
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self._cancel = CancelToken()

    def repositories(self) -> tuple[Repository, ...]:
        """What is known now, in the order of the settings; never waits for the network."""
        try:
            rows = self._rows.all()
        except StorageFailed as error:
            _log.warning("what the hub offers is not known: %s", error)
            rows = {}
        now = self._clock()
        known = {repo: asked for repo, (_, asked) in rows.items()}
        old = [repo for repo in self._repos if now - known.get(repo, 0.0) > _FRESH_SECONDS]
        if old:
            self._ask_soon(old, now)
        found = (_decode(rows[repo][0]) for repo in self._repos if repo in rows)
        return tuple(repository for repository in found if repository is not None)

    def close(self) -> None:
        """Ask no more."""
        with self._lock:
            self._cancel.cancel(ShuttingDown("Luna stops."))
            thread = self._thread
        if thread is not None:
            thread.join()

    def _ask_soon(self, repos: Sequence[str], now: float) -> None:
        with self._lock:
            busy = self._thread is not None and self._thread.is_alive()
            if busy or now < self._not_before or self._cancel.reason is not None:
                return
            self._not_before = now + _AGAIN_SECONDS
            self._thread = threading.Thread(
                target=self._ask, args=(repos,), name="luna-offers", daemon=True
            )
            self._thread.start()

    def _ask(self, repos: Sequence[str]) -> None:
        try:
            self._rows.keep_only(self._repos)
            for repo in repos:
                self._ask_for(repo)
        except (HubUnreachable, StorageFailed, ShuttingDown) as error:
            _log.info("what the hub offers is not known: %s", error)
        except Exception:  # outermost loop
            _log.exception("what the hub offers could not be asked for")

    def _ask_for(self, repo: str) -> None:
        try:
            found = self._hub.look(repo, self._cancel)
        except (HubUnreachable, ShuttingDown):
            raise
        except LunaError as error:
            _log.warning("%s is not offered: %s", repo, error)
            return
        self._rows.put(repo, msgspec.json.encode(found).decode(), self._clock())


def _decode(told: str) -> Repository | None:
    try:
        return msgspec.json.decode(told, type=Repository)
    except msgspec.DecodeError:
        return None  # of an older Luna; the hub is asked again in time
