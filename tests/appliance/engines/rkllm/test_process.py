"""A model's process under every fault: what the caller gets, and that the next run works."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.engines.rkllm import command
from appliance.engines.rkllm.abi import RKLLMInferMode
from appliance.engines.rkllm.failures import StartFailed
from appliance.engines.rkllm.link import Limits
from appliance.engines.rkllm.process import NpuProcess, Pauses, Task
from appliance.engines.rkllm.values import Load, Run
from appliance.engines.rkllm.wire import Ended, Rows, Said
from appliance.errors import (
    BadRequest,
    Cancelled,
    ContextTooLong,
    EngineDied,
    EngineError,
    EngineTimeout,
    LunaError,
    ModelLoadFailed,
)
from appliance.system.processes import Spawner
from tests.helpers.wire import eventually
from tests.rkllm_sim import models
from tests.rkllm_sim.build import library

pytestmark = pytest.mark.needs("g++")
PATIENCE_S = 30.0
LIMITS = Limits(first=PATIENCE_S, stall=PATIENCE_S, abort=PATIENCE_S)
HASTY = Limits(first=0.4, stall=0.4, abort=0.4)


class Bench:
    """Makes processes of models with chosen faults, and ends them."""

    def __init__(self, folder: Path, spawner: Spawner, version: str) -> None:
        self._folder = folder
        self._spawner = spawner
        self._version = version
        self._made: list[NpuProcess] = []

    def process(self, load: dict[str, Any] | None = None, **values: str | int) -> NpuProcess:
        """One that was started."""
        path = models.write(self._folder / "model.rkllm", **values)
        loading = Load(path, **{"context": 4096, "max_new_tokens": 4096, **(load or {})})
        process = NpuProcess(
            "sim",
            lambda socket: command.build(library(self._version), "", loading, socket),
            PATIENCE_S,
            self._spawner,
            Pauses(0.001, 0.01),
        )
        self._made.append(process)
        process.child.start()
        return process

    def ready(self, load: dict[str, Any] | None = None, **values: str | int) -> NpuProcess:
        """One that is loaded."""
        process = self.process(load, **values)
        process.child.wait_ready(PATIENCE_S)
        return process

    def close(self) -> None:
        for process in self._made:
            process.child.stop()
            process.close()


@pytest.fixture(params=["1.2.3", "1.3.0"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, spawner: Spawner) -> Iterator[Bench]:
    bench = Bench(tmp_path, spawner, request.param)
    yield bench
    bench.close()


@pytest.fixture
def newest_bench(tmp_path: Path, spawner: Spawner) -> Iterator[Bench]:
    bench = Bench(tmp_path, spawner, "1.3.0")
    yield bench
    bench.close()


def run(
    process: NpuProcess,
    prompt: str | tuple[int, ...] = "hello",
    limits: Limits = LIMITS,
    cancel: CancelToken | None = None,
    task: Callable[[Run], Task] = Task,
    **more: Any,
) -> tuple[str, Ended]:
    """The text and the end of a run."""
    text = b""
    wanted = task(Run(prompt, **{"keep_history": True, **more}))
    with process.running(wanted, limits, cancel or CancelToken()) as running:
        for message in running.messages():
            if isinstance(message, Said):
                text += message.text
            if isinstance(message, Ended):
                return text.decode("utf-8", "replace"), message
    raise AssertionError("a run without an end")


def failure(work: Callable[[], object]) -> LunaError:
    with pytest.raises(LunaError) as caught:
        work()
    return caught.value


def works_again(process: NpuProcess, prompt: str = "fine", restarts: int = 0) -> float:
    """Seconds until a run works; there were `restarts` on the way."""
    began = time.monotonic()
    process.child.wait_ready(PATIENCE_S)
    assert run(process, prompt)[1].tokens > 0
    assert process.child.restarts == restarts
    return time.monotonic() - began


def test_runs_and_figures(bench: Bench) -> None:
    process = bench.ready(reply="Good day.", prefill_us=200)
    for _ in range(2):
        text, end = run(process, (1, 2, 3))
        assert text == "Good day."
        assert (end.stopped, end.limited) == (False, False)
        assert end.prompt_tokens == 3
        assert end.prompt_ms > 0.5
        assert end.context == 3 + end.tokens


def test_a_context_that_is_kept(bench: Bench) -> None:
    process = bench.ready(reply="yes")
    _, end = run(process, (1, 2, 3))
    _, more = run(process, (4, 5), task=lambda run: Task(run, resumes=end.context))
    assert more.prompt_tokens == 2
    assert more.context == end.context + 2 + more.tokens
    stale = failure(lambda: run(process, (4,), task=lambda run: Task(run, resumes=end.context)))
    assert isinstance(stale, StartFailed)
    _, fresh = run(process, (9,))
    assert fresh.context == 1 + fresh.tokens


def test_a_limited_run_leaves_no_context_where_the_library_knows_no_limit(bench: Bench) -> None:
    process = bench.ready(reply_words=100)
    _, end = run(process, max_new_tokens=5)
    assert end.tokens == 5
    assert end.limited == (end.context == 0)


def test_prompt_caches_and_loras(bench: Bench, tmp_path: Path) -> None:
    process = bench.ready(reply="@settings")
    long, cache = tuple(range(300)), tmp_path / "a.cache"
    run(process, long, save_cache=cache, max_new_tokens=1)
    _, end = run(process, (*long, 7), task=lambda run: Task(run, cache=cache))
    assert end.prompt_tokens == 1
    _, end = run(process, (*long, 7))
    assert end.prompt_tokens == 301
    cache.write_text("rubbish", "utf-8")
    again = failure(lambda: run(process, long, task=lambda run: Task(run, cache=cache)))
    assert isinstance(again, StartFailed)
    adapter = tmp_path / "polite.rkllm"
    adapter.write_text("weights", "utf-8")
    text, _ = run(process, lora="polite", task=lambda run: Task(run, lora_file=adapter))
    assert "lora=polite" in text
    other = failure(lambda: run(process, lora="rude"))
    assert isinstance(other, BadRequest)
    assert "lora=-" in run(process)[0]


def test_hidden_states(bench: Bench) -> None:
    process = bench.ready(hidden=8)
    wanted = Run((1, 2, 3), mode=RKLLMInferMode.GET_LAST_HIDDEN_LAYER)
    with process.running(Task(wanted), LIMITS, CancelToken()) as running:
        rows, end = list(running.messages())
    assert isinstance(rows, Rows)
    assert isinstance(end, Ended)
    assert (rows.rows, rows.columns, len(rows.values)) == (3, 8, 96)


def test_an_abort_ends_a_run_soon_and_the_process_goes_on(bench: Bench) -> None:
    process = bench.ready(reply_words=100000, token_us=1000)
    with process.running(Task(Run("long")), LIMITS, CancelToken()) as running:
        messages = running.messages()
        next(messages)
        running.abort()
        assert isinstance(list(messages)[-1], Ended)
    assert run(process, max_new_tokens=3)[1].tokens == 3
    assert process.child.restarts == 0


def test_leaving_the_block_frees_the_npu(newest_bench: Bench) -> None:
    process = newest_bench.ready(reply_words=100000, token_us=1000)
    with process.running(Task(Run("long")), LIMITS, CancelToken()) as running:
        next(running.messages())
    assert run(process, max_new_tokens=3)[1].tokens == 3
    assert process.child.restarts == 0


def test_a_cancelled_run_raises_the_reason(bench: Bench) -> None:
    process = bench.ready(reply_words=100000, token_us=1000)
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    assert isinstance(failure(lambda: run(process, cancel=cancel)), Cancelled)
    timer.join()
    assert isinstance(failure(lambda: run(process, cancel=cancel)), Cancelled)
    assert run(process, max_new_tokens=3)[1].tokens == 3
    assert process.child.restarts == 0


def test_a_slow_abort_is_waited_for(newest_bench: Bench) -> None:
    process = newest_bench.ready(reply_words=100000, token_us=1000, abort_lag_ms=600, deaf=1)
    cancel = CancelToken()
    timer = threading.Timer(0.05, cancel.cancel)
    timer.start()
    assert isinstance(failure(lambda: run(process, cancel=cancel)), Cancelled)
    timer.join()
    assert run(process, max_new_tokens=3)[1].tokens == 3
    assert process.child.restarts == 0


def test_an_abort_that_is_ignored_for_too_long_costs_the_process(newest_bench: Bench) -> None:
    process = newest_bench.ready(reply_words=100000, token_us=1000, abort_lag_ms=60000, deaf=1)
    cancel = CancelToken()
    timer = threading.Timer(0.05, cancel.cancel)
    timer.start()
    began = time.monotonic()
    assert isinstance(failure(lambda: run(process, limits=HASTY, cancel=cancel)), Cancelled)
    timer.join()
    assert time.monotonic() - began < 10
    process.child.wait_ready(PATIENCE_S)
    assert process.child.restarts == 1


def test_an_abort_while_the_prompt_is_read_has_more_time(newest_bench: Bench) -> None:
    # 1 s for the prompt, in which no abort is seen; the grace alone would be over before.
    process = newest_bench.ready(prefill_us=10000)
    limits = Limits(first=PATIENCE_S, stall=PATIENCE_S, abort=0.2, abort_prompt=PATIENCE_S)
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    work = lambda: run(process, tuple(range(100)), limits, cancel)  # noqa: E731
    assert isinstance(failure(work), Cancelled)
    timer.join()
    works_again(process)


@pytest.mark.parametrize("fault", ["hang", "hang-prefill"])
def test_a_hang_is_a_timeout_and_the_next_run_works(newest_bench: Bench, fault: str) -> None:
    process = newest_bench.ready(fault=fault, fault_if="bad")
    began = time.monotonic()
    assert isinstance(failure(lambda: run(process, "bad", HASTY)), EngineTimeout)
    assert time.monotonic() - began < 10
    works_again(process, restarts=1)


def test_a_crash_is_a_death_and_the_next_run_works(bench: Bench) -> None:
    process = bench.ready(fault="segfault", fault_if="bad")
    for crashes in (1, 2, 3):
        assert isinstance(failure(lambda: run(process, "bad")), EngineDied)
        works_again(process, restarts=crashes)


@pytest.mark.parametrize("fault", ["run-fails", "run-error", "never-finish"])
def test_a_run_that_fails_costs_no_process(newest_bench: Bench, fault: str) -> None:
    process = newest_bench.ready(fault=fault, fault_if="bad")
    error = failure(lambda: run(process, "bad"))
    assert type(error) is EngineError
    works_again(process)


def test_a_prompt_beyond_the_context_is_the_callers_fault(newest_bench: Bench) -> None:
    process = newest_bench.ready({"context": 64})
    error = failure(lambda: run(process, tuple(range(65))))
    assert isinstance(error, ContextTooLong)
    assert "shorten it" in error.message
    works_again(process)


def test_a_flood_of_errors_is_no_answer(bench: Bench) -> None:
    process = bench.ready(fault="matmul-flood", fault_if="bad")
    error = failure(lambda: run(process, "bad"))
    assert type(error) is EngineError
    assert "0.9.8 is needed" in error.message
    works_again(process, restarts=1)


def test_characters_in_pieces_arrive(newest_bench: Bench) -> None:
    words = "Grüße, 世界!"
    assert run(newest_bench.ready(reply=words, fault="half-utf8"))[0] == words


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"fault": "init-fails"}, "could not load model.rkllm"),
        ({"fault": "init-null"}, "not enough memory"),
        ({"fault": "npu-memory"}, "not enough memory"),
        ({"fault": "npu-memory-crash"}, "not enough memory"),
        ({"fault": "init-broken"}, "not enough memory"),
        ({"fault": "run-fails"}, "failed in the middle"),
        ({"fault": "matmul-flood"}, "does not compute"),
        ({"platform": "RK3576"}, "was converted for RK3576"),
        ({"max_context": 1024}, "Context 4096 exceeds the model's 1024"),
        ({"npu_cores": 5}, "npu_engine.cpus"),
        ({"driver": "0.9.2", "fault": "matmul-flood"}, "driver is too old"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why(
    newest_bench: Bench, values: dict[str, Any], says: str
) -> None:
    process = newest_bench.process(**values)
    error = failure(lambda: process.child.wait_ready(PATIENCE_S))
    assert isinstance(error, ModelLoadFailed)
    assert says in error.message


def test_a_file_that_is_no_model_says_so(newest_bench: Bench, tmp_path: Path) -> None:
    process = newest_bench.process()
    (tmp_path / "model.rkllm").write_text("GGUF", "utf-8")
    process.child.stop()
    process.child.start()
    assert "no model for this runtime" in failure(lambda: process.child.wait_ready(9)).message


def test_a_killed_process_is_replaced_and_a_stop_ends_it_in_mid_run(newest_bench: Bench) -> None:
    process = newest_bench.ready(reply_words=100000, token_us=1000)
    pid = process.child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: process.child.restarts == 1)
    process.child.wait_ready(PATIENCE_S)
    with process.running(Task(Run("x")), LIMITS, CancelToken()) as running:
        next(running.messages())
        process.child.stop()
    assert process.child.pid is None


def test_files_may_be_opened_by_the_thousand(newest_bench: Bench) -> None:
    process = newest_bench.ready()
    limits = Path(f"/proc/{process.child.pid}/limits").read_text("ascii")
    (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    soft, hard = line.split()[3:5]
    assert int(soft) == min(65536, int(hard))
