from __future__ import annotations

import threading

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import Cancelled, LunaError, ShuttingDown


def test_a_fresh_token_lets_work_go_on() -> None:
    token = CancelToken()
    token.check()
    assert token.reason is None


def test_the_first_reason_stays() -> None:
    token = CancelToken()
    first = ShuttingDown("one")
    token.cancel(first)
    token.cancel(Cancelled("two"))
    assert token.reason is first
    with pytest.raises(ShuttingDown, match="one"):
        token.check()


def test_without_a_reason_the_client_has_left() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()


def test_a_callback_runs_once_and_sees_the_reason() -> None:
    token = CancelToken()
    seen: list[LunaError | None] = []
    with token.calling(lambda: seen.append(token.reason)):
        assert seen == []
        token.cancel()
        token.cancel()
    token.cancel()
    assert seen == [token.reason]
    assert token.reason is not None


def test_a_callback_runs_at_once_when_it_is_too_late() -> None:
    token = CancelToken()
    token.cancel()
    calls: list[int] = []
    with token.calling(lambda: calls.append(1)):
        assert calls == [1]
    assert calls == [1]


def test_a_callback_is_forgotten_after_its_block() -> None:
    token = CancelToken()
    calls: list[int] = []
    with token.calling(lambda: calls.append(1)):
        pass
    with pytest.raises(ValueError, match="inside"), token.calling(lambda: calls.append(2)):
        raise ValueError("inside")
    token.cancel()
    assert calls == []


def test_each_of_several_callbacks_runs() -> None:
    token = CancelToken()
    calls: list[int] = []
    with token.calling(lambda: calls.append(1)), token.calling(lambda: calls.append(2)):
        token.cancel()
    assert sorted(calls) == [1, 2]


def test_a_callback_may_use_the_token() -> None:
    token = CancelToken()
    with token.calling(token.cancel), token.calling(lambda: None):
        token.cancel()
    assert token.reason is not None


def test_a_race_calls_back_exactly_once() -> None:
    for _ in range(200):
        token = CancelToken()
        calls: list[int] = []
        called = threading.Event()
        both = threading.Barrier(2)

        def note(calls: list[int] = calls, called: threading.Event = called) -> None:
            calls.append(1)
            called.set()

        def cancel(token: CancelToken = token, both: threading.Barrier = both) -> None:
            both.wait()
            token.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        both.wait()
        with token.calling(note):
            assert called.wait(10)
        thread.join()
        assert calls == [1]
