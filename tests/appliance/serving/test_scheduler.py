from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Cancelled, LunaError, QueueFull, ShuttingDown
from appliance.serving.scheduler import Load, Scheduler
from tests.helpers.wire import eventually

PATIENCE_S = 10.0


class Request:
    """A thread that asks for a slot and holds it until it is told to let go."""

    def __init__(self, scheduler: Scheduler, client: str, order: list[str] | None = None) -> None:
        self.cancel = CancelToken()
        self.let_go = threading.Event()
        self.inside = threading.Event()
        self.error: LunaError | None = None
        self._scheduler = scheduler
        self._client = client
        self._order = order
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._scheduler.slot(self._client, self.cancel):
                if self._order is not None:
                    self._order.append(self._client)
                self.inside.set()
                assert self.let_go.wait(PATIENCE_S)
        except LunaError as error:
            self.error = error

    def end(self) -> None:
        self.let_go.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def waiting(scheduler: Scheduler, *clients: str, order: list[str]) -> Iterator[list[Request]]:
    """Requests that came one after the other and all wait."""
    requests = []
    for client in clients:
        requests.append(Request(scheduler, client, order))
        eventually(lambda: scheduler.load().waiting == len(requests))
    try:
        yield requests
    finally:
        for request in requests:
            request.let_go.set()
        for request in requests:
            request.end()


def test_slots_are_never_exceeded_and_everyone_is_served() -> None:
    scheduler = Scheduler(3, 100)
    lock = threading.Lock()
    running, most, served = 0, 0, 0
    start = threading.Barrier(20)

    def work(number: int) -> None:
        nonlocal running, most, served
        start.wait(PATIENCE_S)
        for _ in range(20):
            with scheduler.slot(f"client {number % 4}", CancelToken()):
                with lock:
                    running += 1
                    most = max(most, running)
                with lock:
                    running -= 1
                    served += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert served == 400
    assert 1 <= most <= 3
    assert scheduler.load() == Load(slots=3, running=0, waiting=0)


def test_clients_take_turns() -> None:
    scheduler = Scheduler(1, 100)
    order: list[str] = []
    with scheduler.slot("first", CancelToken()):
        held = waiting(scheduler, "a", "a", "a", "b", order=order)
        held.__enter__()
    held.__exit__(None, None, None)
    assert order == ["a", "b", "a", "a"]


def test_who_waits_hears_of_its_place_until_it_holds_a_slot() -> None:
    scheduler = Scheduler(1, 10, news=0.001)
    with ExitStack() as turns:
        first, *others = (
            turns.enter_context(scheduler.turn(client, CancelToken())) for client in "xaaab"
        )
        assert list(first) == []
        assert [next(places) for places in others] == [1, 3, 4, 2]
        assert scheduler.load() == Load(1, 1, 4)
    assert scheduler.load() == Load(1, 0, 0)


def test_who_loses_patience_leaves_the_queue_to_the_others() -> None:
    scheduler = Scheduler(1, 10, news=0.001)
    with ExitStack() as holder, ExitStack() as patient:
        holder.enter_context(scheduler.slot("x", CancelToken()))
        with scheduler.turn("a", CancelToken()) as places:
            assert next(places) == 1
            behind = patient.enter_context(scheduler.turn("b", CancelToken()))
            assert next(behind) == 2
        assert next(behind) == 1
        holder.close()
        assert list(behind) == []


def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    scheduler = Scheduler(1, 2)
    with scheduler.slot("x", CancelToken()):
        held = waiting(scheduler, "a", "b", order=[])
        held.__enter__()
        with pytest.raises(QueueFull, match="2 requests wait") as refused:
            scheduler.slot("c", CancelToken()).__enter__()
        assert 1 <= refused.value.retry_after <= 60
    held.__exit__(None, None, None)
    assert scheduler.load().running == 0


def test_who_is_cancelled_in_the_queue_leaves_it() -> None:
    scheduler = Scheduler(1, 5)
    with scheduler.slot("x", CancelToken()):
        request = Request(scheduler, "a")
        eventually(lambda: scheduler.load().waiting == 1)
        request.cancel.cancel()
        request.end()
        assert isinstance(request.error, Cancelled)
        assert scheduler.load() == Load(1, 1, 0)
    assert scheduler.load() == Load(1, 0, 0)


def test_who_was_cancelled_before_does_not_wait() -> None:
    scheduler = Scheduler(1, 5)
    cancel = CancelToken()
    cancel.cancel()
    with scheduler.slot("x", CancelToken()), pytest.raises(Cancelled):
        scheduler.slot("a", cancel).__enter__()
    assert scheduler.load() == Load(1, 0, 0)


def test_closing_sends_those_who_wait_away_and_lets_the_others_end() -> None:
    scheduler = Scheduler(1, 5)
    with scheduler.slot("x", CancelToken()):
        request = Request(scheduler, "a")
        eventually(lambda: scheduler.load().waiting == 1)
        scheduler.close(ShuttingDown("bye"))
        request.end()
        assert isinstance(request.error, ShuttingDown)
        assert scheduler.load().running == 1
        with pytest.raises(ShuttingDown):
            scheduler.slot("b", CancelToken()).__enter__()
    assert scheduler.load() == Load(1, 0, 0)


def test_abort_cancels_those_who_hold_a_slot_with_the_reason() -> None:
    scheduler = Scheduler(1, 5)
    holder, reason = CancelToken(), ShuttingDown("bye")
    with scheduler.slot("x", holder):
        request = Request(scheduler, "a")
        eventually(lambda: scheduler.load().waiting == 1)
        scheduler.abort(reason)
        assert holder.reason is reason
        assert request.cancel.reason is None
    assert request.inside.wait(PATIENCE_S)
    request.end()
    assert request.error is None


def test_an_error_inside_frees_the_slot() -> None:
    scheduler = Scheduler(1, 5)
    with pytest.raises(ValueError, match="inside"), scheduler.slot("x", CancelToken()):
        raise ValueError("inside")
    assert scheduler.load() == Load(1, 0, 0)


def test_a_race_of_cancelling_and_serving_loses_no_slot() -> None:
    scheduler = Scheduler(1, 50)
    for _ in range(50):
        with scheduler.slot("x", CancelToken()):
            request = Request(scheduler, "a")
            request.let_go.set()
            eventually(lambda: scheduler.load().waiting == 1)
            thread = threading.Thread(target=request.cancel.cancel)
            thread.start()
        thread.join(PATIENCE_S)
        request.end()
        assert scheduler.load() == Load(1, 0, 0)
