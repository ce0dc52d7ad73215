from __future__ import annotations

import queue
import threading

from appliance.serving.reaper import Reaper

PATIENCE_S = 10.0


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "luna-reaper"]


def test_there_is_no_thread_before_the_first_wish_and_none_after_the_end() -> None:
    reaper = Reaper(lambda: None)
    assert threads() == []
    reaper.nudge()
    reaper.nudge()
    assert threads() == ["luna-reaper"]
    reaper.close()
    assert threads() == []
    reaper.nudge()
    assert threads() == []


def test_it_comes_back_after_the_seconds_that_it_was_told() -> None:
    answers: list[float | None] = [0.0, 0.01, None, 1e300]
    told: queue.Queue[int] = queue.Queue()

    def reap() -> float | None:
        told.put(len(answers))
        return answers.pop(0)

    reaper = Reaper(reap)
    reaper.nudge()
    assert [told.get(timeout=PATIENCE_S) for _ in range(3)] == [4, 3, 2]
    reaper.nudge()
    assert told.get(timeout=PATIENCE_S) == 1
    assert threads() == ["luna-reaper"]
    reaper.close()
    assert told.empty()


def test_closing_waits_for_what_it_does() -> None:
    begun, leave = threading.Event(), threading.Event()

    def reap() -> None:
        begun.set()
        assert leave.wait(PATIENCE_S)

    reaper = Reaper(reap)
    reaper.nudge()
    assert begun.wait(PATIENCE_S)
    closing = threading.Thread(target=reaper.close)
    closing.start()
    assert threads() == ["luna-reaper"]
    leave.set()
    closing.join(PATIENCE_S)
    assert threads() == []
