"""The process of one NPU model: supervised, asked for one run at a time, killed when it hangs."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.cancel import CancelToken
from appliance.engines.child import Child, ChildPlan
from appliance.engines.rkllm.failures import StartFailed
from appliance.engines.rkllm.link import Broken, Hung, Limits, Link
from appliance.engines.rkllm.values import Run
from appliance.engines.rkllm.vendor_log import Gravity, VendorLog, explain, read
from appliance.engines.rkllm.wire import Ended, Failed, Order, Rows, Said
from appliance.errors import (
    BadRequest,
    ContextTooLong,
    EngineError,
    EngineTimeout,
    LunaError,
    ModelLoadFailed,
)
from appliance.system.processes import Spawner

_log = logging.getLogger(__name__)
_LOG_LAG = 2.0  # seconds for the log to catch up with the end of a run
_HUNG = "The NPU did not end a run in time; its process was killed to free it"


@dataclass(frozen=True, slots=True)
class Task:
    """A run and what has to be loaded for it, see `wire.Order`."""

    run: Run
    resumes: int = 0
    cache: Path | None = None
    lora_file: Path | None = None
    lora_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between a crash and the next start: the first time, and at most."""

    first: float = 0.05
    longest: float = 1.0


class NpuProcess:
    """Keeps the process alive; `command` makes its command line for the path of its socket.

    `child` is started, stopped and waited for by the owner; `close` removes what is left.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[Path], Sequence[str]],
        start_limit: float,
        spawner: Spawner,
        pauses: Pauses | None = None,
    ) -> None:
        pauses = pauses or Pauses()
        self._name = name
        self._command = command
        self._folder = _private_folder()
        self._path = self._folder / "npu.sock"
        self._numbers = itertools.count(1)
        self._said = VendorLog()
        self._verdict = ""
        self.child = Child(
            ChildPlan(
                name=name,
                command=self._begin,
                probe=self._is_ready,
                explain=self._explain,
                heard=self._hear,
                start_limit=start_limit,
                stop_grace=4.0,  # a run that ends, and the model's memory on the NPU
                first_pause=pauses.first,
                longest_pause=pauses.longest,
            ),
            spawner,
        )

    @contextmanager
    def running(self, task: Task, limits: Limits, cancel: CancelToken) -> Generator[Running]:
        """A run under way; when the block is left it is over, or its process was killed."""
        number = next(self._numbers)
        order = Order(number, task.run, task.resumes, task.cache, task.lora_file, task.lora_scale)
        said = self._said
        try:
            link = Link(self._path, order, limits)
        except Broken as error:
            raise self.death(said, cancel) from error
        try:
            with cancel.calling(link.abort):
                yield Running(self, link, said, number, cancel)
        finally:
            self.end(link)
            link.close()

    def close(self) -> None:
        """Remove the socket's folder, once the child has ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def end(self, link: Link) -> None:
        """Have a run end, and the process with it if need be."""
        try:
            link.settle()
        except Broken:
            return
        except Hung:
            _log.error("engine %s: %s", self._name, _HUNG)
            self.replace(_HUNG)

    def replace(self, why: str) -> None:
        """Kill the process; another one is started. Returns when nobody can meet the old one."""
        self._verdict = why
        self.child.kill()
        self.child.death()

    def death(self, said: VendorLog, cancel: CancelToken) -> LunaError:
        """What to tell a run whose process is gone, or has to go; the next run meets a new one."""
        if said.fatal is not None:
            self.child.kill()
        died = self.child.death()
        cancel.check()
        return died if said.fatal is None else EngineError(said.fatal.sentence)

    def _begin(self) -> Sequence[str]:
        # A socket file left by a killed process makes the next one fail to bind.
        self._path.unlink(missing_ok=True)
        self._said = VendorLog()
        return self._command(self._path)

    def _is_ready(self) -> bool:
        if self._said.fatal is not None:
            self.child.kill()
        return self._said.fatal is None and self._said.marked >= 0

    def _hear(self, line: str) -> None:
        known = self._said.fatal
        self._said.hear(line)
        if known is None and self._said.fatal is not None and self._said.marked >= 0:
            self.child.kill()

    def _explain(self, output: str, status: int) -> str:
        verdict, self._verdict = self._verdict, ""
        return verdict or explain(output, status)


class Running:
    """A run as its engine sees it."""

    def __init__(
        self,
        process: NpuProcess,
        link: Link,
        said: VendorLog,
        number: int,
        cancel: CancelToken,
    ) -> None:
        self._process = process
        self._link = link
        self._said = said
        self._number = number
        self._cancel = cancel

    def abort(self) -> None:
        """Have the run end soon; its messages go on up to `Ended`."""
        self._link.abort()

    def messages(self) -> Iterator[Said | Rows | Ended]:
        """All of them, up to `Ended`; raises why there is none, or the reason to stop."""
        try:
            for message in self._link:
                if isinstance(message, Ended | Failed):
                    self._check(message)
                if not isinstance(message, Failed):
                    yield message
        except Broken as error:
            raise self._process.death(self._said, self._cancel) from error
        except Hung as error:
            self._process.end(self._link)
            self._cancel.check()
            raise EngineTimeout(f"{_HUNG}; send the request again.") from error

    def _check(self, last: Ended | Failed) -> None:
        """Believe the end of a run only when the log up to it was read."""
        lines = self._said.until(self._number, _LOG_LAG)
        if self._said.fatal is not None:
            raise self._process.death(self._said, self._cancel)
        self._cancel.check()
        if isinstance(last, Failed):
            raise _failure(last, lines)


def _failure(message: Failed, lines: str) -> LunaError:
    reason = read(lines)
    if reason is not None and reason.gravity is Gravity.CONTEXT:
        return ContextTooLong(reason.sentence)
    if message.at == "caller":
        return BadRequest(message.message)
    if message.at == "start":
        return StartFailed(message.message)
    return EngineError(reason.sentence if reason is not None else message.message)


def _private_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="luna-npu-"))
    except OSError as error:
        raise ModelLoadFailed(
            f"No folder for the engine's socket can be made in {tempfile.gettempdir()}: "
            f"{error.strerror}. Free some space there, or set TMPDIR to another folder."
        ) from error
