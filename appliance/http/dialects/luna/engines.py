"""How the engines are, for the watchdog, and what it may do to one that is not well."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec import Struct

from appliance.domain.patience import Patience
from appliance.errors import NotFound, Retryable
from appliance.http.bodies import decode
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route
from appliance.serving.pool import Loaded, Pool

_log = logging.getLogger(__name__)


class EngineHealth(Struct, frozen=True):
    """A model in memory, and for how long its requests have waited for a sign of life.

    `last_token_age_s` is null while nobody waits. As long as `prefill_allowance_s` more may pass
    before the first token, because the prompt has to be read.
    """

    model: str
    device: str
    pid: int | None
    state: str
    running: int
    waiting: int
    tokens: int
    last_token_age_s: float | None
    prefill_allowance_s: float


class EngineList(Struct, frozen=True):
    """Every model in memory, or on its way there."""

    engines: list[EngineHealth]


class EngineName(Struct, frozen=True):
    """A model in memory, by the name that the list of engines gives it."""

    model: str


class Done(Struct, frozen=True):
    """What was asked for has begun."""

    status: str = "ok"


class Engines:
    """Handlers, for programs on the device itself; `kill` ends a process and its group at once."""

    def __init__(self, pool: Pool, patience: Patience, kill: Callable[[int], None]) -> None:
        self._pool = pool
        self._patience = patience
        self._kill = kill

    def list(self, request: Request) -> Reply:
        """GET /luna/engines."""
        return json_reply(EngineList([self._health(loaded) for loaded in self._pool.loaded()]))

    def abort(self, request: Request) -> Reply:
        """POST /luna/engines/abort."""
        loaded = self._named(request)
        _log.warning("all runs of %s are aborted", loaded.entry.id)
        loaded.scheduler.abort(
            Retryable("The engine was silent, so its runs were ended; send the request again.")
        )
        return json_reply(Done())

    def restart(self, request: Request) -> Reply:
        """POST /luna/engines/restart: as after a crash, so that who waits in the queue stays."""
        loaded = self._named(request)
        pid = loaded.engine.pid
        if pid is None:
            raise NotFound(f"'{loaded.entry.id}' has no process now; it is {loaded.engine.state}.")
        _log.warning("the engine of %s (process %d) is killed", loaded.entry.id, pid)
        self._kill(pid)
        return json_reply(Done())

    def _named(self, request: Request) -> Loaded:
        name = decode(request.body, EngineName).model
        for loaded in self._pool.loaded():
            if loaded.entry.id == name:
                return loaded
        raise NotFound(f"No model in memory is called '{name}'; GET /luna/engines lists them.")

    def _health(self, loaded: Loaded) -> EngineHealth:
        load, beat = loaded.scheduler.load(), loaded.pulse.beat()
        silent = beat.silent_s
        return EngineHealth(
            model=loaded.entry.id,
            device="npu" if loaded.entry.for_npu else "cpu",
            pid=loaded.engine.pid,
            state=loaded.engine.state,
            running=load.running,
            waiting=load.waiting,
            tokens=beat.tokens,
            last_token_age_s=None if silent is None else round(silent, 3),
            prefill_allowance_s=round(self._patience.prefill(beat.prefill_tokens), 3),
        )


def routes(api: Engines) -> tuple[Route, ...]:
    """The table of what the watchdog uses."""

    def change(summary: str) -> Operation:
        return Operation(
            summary,
            "Luna",
            body=EngineName,
            answer=Done,
            statuses=(403, 404),
            examples={"A model in memory": {"model": "qwen3-0.6b"}},
        )

    aborting = change("Abort what runs on a model")
    restarting = change("Restart a model's engine")
    listing = Operation("How the engines are", "Luna", answer=EngineList, statuses=(403,))
    return (
        Route("GET", "/luna/engines", api.list, listing, access="admin"),
        Route("POST", "/luna/engines/abort", api.abort, aborting, access="admin", changes=True),
        Route(
            "POST", "/luna/engines/restart", api.restart, restarting, access="admin", changes=True
        ),
    )
