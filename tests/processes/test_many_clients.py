"""Many clients at once: each gets its whole answer, those who leave cost nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import RunningLuna
from tests.helpers.wire import eventually
from tests.processes.clients import ChatStream, ask, children, memory_bytes, together, usage

pytestmark = pytest.mark.needs("engine")


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    with RunningLuna(tmp_path_factory.mktemp("many"), "--verbose") as server:
        server.wait_loaded()
        yield server


def test_64_streams_each_get_their_whole_answer(luna: RunningLuna) -> None:
    def whole(index: int) -> int:
        stream = ChatStream(luna.port, 24, f"number {index}")
        try:
            return int(usage(stream.rest())["completion_tokens"])
        finally:
            stream.close()

    assert together(64, whole) == [24] * 64


def test_63_that_leave_free_their_slots_at_once(luna: RunningLuna) -> None:
    streams = [ChatStream(luna.port, 1500, f"number {index}") for index in range(64)]
    try:
        # Four hold slots; which four is the scheduler's business.
        eventually(lambda: luna.get("/health")["requests_waiting"] == 60, "a queue of 60")
        staying = streams[63]
        for stream in streams[:63]:
            stream.close()
        eventually(lambda: luna.get("/health")["requests_waiting"] == 0, "an empty queue")
        eventually(lambda: luna.get("/health")["slots_processing"] == 1, "63 free clients")
        assert staying.wait_begun() == 200
        assert usage(staying.rest())["completion_tokens"] == 1500
    finally:
        for stream in streams:
            stream.close()


@pytest.mark.timeout(300)
def test_memory_is_flat_after_ten_thousand_requests(tmp_path: Path) -> None:
    with RunningLuna(tmp_path, settings="[server]\naccess_log = false\n") as luna:
        luna.wait_loaded()
        (engine,) = children(luna.pid)

        def rounds(index: int) -> None:
            for number in range(250):
                status, _ = ask(luna.port, max_tokens=1, seed=index * 1000 + number)
                assert status == 200

        together(8, rounds)
        server_before, engine_before = memory_bytes(luna.pid), memory_bytes(engine)
        for _ in range(4):
            together(8, rounds)
        assert memory_bytes(luna.pid) - server_before < 6e6
        assert memory_bytes(engine) - engine_before < 12e6
        assert children(luna.pid) == [engine], "the engine was restarted on the way"
