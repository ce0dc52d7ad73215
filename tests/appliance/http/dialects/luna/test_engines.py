from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.patience import Patience
from appliance.engines.scripted import Scripted, always
from appliance.errors import MissingField, NotFound, Retryable
from appliance.http.dialects.luna.engines import Engines, routes
from appliance.http.exchange import Request
from appliance.serving.answer import Caller
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library


@dataclass
class Desk:
    """The handlers over a pool with one scripted model, `a`."""

    library: Library
    engine: Scripted = field(default_factory=lambda: Scripted(always(b"x")))
    killed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.library.put("a")
        self.pool = Pool(self.library.registry, lambda entry: self.engine, ModelSettings(), 4)
        self.engines = Engines(self.pool, Patience(slowest_prefill=10.0), self.killed.append)
        self.handlers = {route.path: route.handler for route in routes(self.engines)}

    def ask(self, path: str, body: Any = None) -> Any:
        caller = Caller("127.0.0.1", "r", CancelToken())
        content = b"" if body is None else json.dumps(body).encode()
        reply = self.handlers[path](Request("POST", path, caller, body=content))
        assert isinstance(reply.body, bytes)
        return json.loads(reply.body)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(Library(tmp_path))
    yield desk
    desk.pool.close()


@contextmanager
def busy(desk: Desk, tokens: int) -> Iterator[CancelToken]:
    """A run that says nothing."""
    cancel = CancelToken()
    with (
        desk.pool.use(desk.library["a"]) as loaded,
        loaded.scheduler.slot("c", cancel),
        loaded.pulse.working(tokens),
    ):
        yield cancel


def test_nothing_is_in_memory_at_first(desk: Desk) -> None:
    assert desk.ask("/luna/engines") == {"engines": []}


def test_an_engine_that_is_waited_for(desk: Desk) -> None:
    desk.engine.pid = 77
    with busy(desk, 300):
        (engine,) = desk.ask("/luna/engines")["engines"]
        age = engine.pop("last_token_age_s")
        assert 0 <= age < 30
        assert engine == {
            "model": "a",
            "device": "cpu",
            "pid": 77,
            "state": "loaded",
            "running": 1,
            "waiting": 0,
            "tokens": 0,
            "prefill_allowance_s": 30.0,
        }
    (engine,) = desk.ask("/luna/engines")["engines"]
    assert engine["last_token_age_s"] is None
    assert (engine["running"], engine["prefill_allowance_s"]) == (0, 0.0)


def test_what_runs_is_aborted(desk: Desk) -> None:
    with busy(desk, 1) as cancel:
        assert desk.ask("/luna/engines/abort", {"model": "a"}) == {"status": "ok"}
        with pytest.raises(Retryable, match="send the request again"):
            cancel.check()


def test_the_process_is_killed(desk: Desk) -> None:
    desk.engine.pid = 77
    with busy(desk, 1) as cancel:
        assert desk.ask("/luna/engines/restart", {"model": "a"}) == {"status": "ok"}
        cancel.check()
    assert desk.killed == [77]


def test_without_a_process_there_is_none_to_kill(desk: Desk) -> None:
    with busy(desk, 1), pytest.raises(NotFound, match="no process"):
        desk.ask("/luna/engines/restart", {"model": "a"})
    assert desk.killed == []


@pytest.mark.parametrize("path", ["/luna/engines/abort", "/luna/engines/restart"])
def test_only_what_is_in_memory_has_a_name(desk: Desk, path: str) -> None:
    with pytest.raises(NotFound, match="'a'"):
        desk.ask(path, {"model": "a"})
    with pytest.raises(MissingField):
        desk.ask(path, {})


def test_all_of_it_is_for_administrators(desk: Desk) -> None:
    assert {route.access for route in routes(desk.engines)} == {"admin"}
