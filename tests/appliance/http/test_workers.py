"""The pool of threads."""

from __future__ import annotations

import logging
import threading
from typing import cast

import pytest

from appliance.http.connection import Connection
from appliance.http.workers import Workers
from tests.helpers.wire import eventually


class Job:
    """Stands in for a connection."""

    def __init__(self, *, keep: bool = True, fails: bool = False) -> None:
        self.go, self.started = threading.Event(), threading.Event()
        self.keep, self.fails = keep, fails

    def communicate(self) -> bool:
        self.started.set()
        assert self.go.wait(10)
        if self.fails:
            raise ValueError("no good")
        return self.keep


class Pool(Workers):
    """Workers that remember what they have done."""

    def __init__(self, count: int) -> None:
        self.done: list[tuple[Job, bool]] = []
        super().__init__(
            count,
            lambda job, keep: self.done.append((cast(Job, job), keep)),
            logging.getLogger("tests.http"),
        )
        self.start()

    def give(self, *jobs: Job) -> None:
        for job in jobs:
            self.put(cast(Connection, job))


def test_each_worker_takes_one_and_the_rest_wait() -> None:
    pool, jobs = Pool(2), [Job(), Job(), Job(keep=False)]
    pool.give(*jobs)
    assert jobs[0].started.wait(5)
    assert jobs[1].started.wait(5)
    assert pool.waiting == 1
    for job in jobs:
        job.go.set()
    eventually(lambda: len(pool.done) == 3)
    assert dict(pool.done) == {jobs[0]: True, jobs[1]: True, jobs[2]: False}
    assert pool.stop(5)


def test_a_failure_costs_neither_the_worker_nor_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool, bad, good = Pool(1), Job(fails=True), Job()
    bad.go.set()
    good.go.set()
    pool.give(bad, good)
    eventually(lambda: pool.done == [(bad, False), (good, True)])
    assert "no good" in caplog.text
    assert pool.stop(5)


def test_a_stuck_worker_does_not_hold_the_stop_up() -> None:
    pool, stuck = Pool(2), Job()
    pool.give(stuck)
    assert stuck.started.wait(5)
    assert not pool.stop(0.1)
    stuck.go.set()
    eventually(lambda: pool.done)


def test_threads_have_names_and_die_with_the_process() -> None:
    pool = Pool(2)
    named = {thread.name: thread for thread in threading.enumerate()}
    assert {"luna-http-1", "luna-http-2"} <= named.keys()
    assert named["luna-http-1"].daemon, "a stuck application would keep the process alive"
    assert pool.stop(5)
