"""The vendor's log lines, and what they mean to a person.

The lines are those of runtimes 1.1 to 1.3 and of driver 0.9, as their users reported them.
"""

from __future__ import annotations

import re
import signal
import threading
from collections import deque
from dataclasses import dataclass
from enum import Enum

_KEPT = 100  # lines of one run
_MARK = re.compile(r"^luna: mark (\d+)$")


class Gravity(Enum):
    """What follows from a line: nothing by itself, this request cannot work, nothing works now."""

    NOTE = 0
    CONTEXT = 1
    FATAL = 2


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed, as a sentence with a remedy."""

    sentence: str
    gravity: Gravity = Gravity.NOTE


_TABLE = (
    (
        r"driver version is too low",
        "The NPU driver is too old for this runtime: 0.9.8 is needed; install a newer vendor "
        "kernel.",
        Gravity.NOTE,
    ),
    (
        r"target_platform: (?P<model>\w+)[\s\S]*target_platform does not match",
        "The model was converted for {model}, and not for this board; get the file that was made "
        "for it.",
        Gravity.NOTE,
    ),
    (
        r"target_platform does not match",
        "The model was converted for another board; get the file that was made for this one.",
        Gravity.NOTE,
    ),
    (
        r"max_context\[(?P<ours>\d+)\] must be less than the model's "
        r"max_context_limit\[(?P<limit>\d+)\]",
        "Context {ours} exceeds the model's {limit}: set context = {limit} in its luna.toml, or "
        "convert it for more.",
        Gravity.NOTE,
    ),
    (
        r"number of enabled CPUs must be greater",
        "The model needs at least as many CPUs as NPU cores: name more in npu_engine.cpus.",
        Gravity.NOTE,
    ),
    (
        r"errno: 24\b|Too many open files",
        "The engine may not open enough files: raise LimitNOFILE (ulimit -n) to 65536.",
        Gravity.NOTE,
    ),
    (
        r"failed to malloc npu memory|failed to allocate handle",
        "The NPU has not enough memory for this model: unload another one, lower its context, or "
        "choose a smaller one.",
        Gravity.NOTE,
    ),
    (
        r"model version too old|toolkit version .* too old",
        "The model was converted by an old rkllm-toolkit; convert it again, or get a newer file.",
        Gravity.NOTE,
    ),
    (
        r"invalid rkllm model|invalid rknn llm model magic|failed to open the model file",
        "The file is no model for this runtime, or is damaged; copy it again, or get one that was "
        "made by rkllm-toolkit 1.2 or newer.",
        Gravity.NOTE,
    ),
    (
        r"failed to open rknpu",
        "The NPU cannot be opened: boot a vendor kernel with driver rknpu 0.9.8, and let this user "
        "into the groups of /dev/dri/renderD* or /dev/rknpu.",
        Gravity.NOTE,
    ),
    (
        r"matmul\([^)]*\) run failed",
        "The NPU does not compute: its driver is too old (0.9.8 is needed), or it hangs; update "
        "the kernel, or restart the board.",
        Gravity.FATAL,
    ),
    (
        r"failed to submit",
        "The NPU takes no work: another program uses it, or it hangs; end that program, or restart "
        "the board.",
        Gravity.FATAL,
    ),
    (
        r"prompt gather than max context|prompt .*greater than max context",
        "The prompt does not fit the model's context; shorten it.",
        Gravity.CONTEXT,
    ),
    # What our own programs say is less precise than the vendor's lines before it.
    (r"^luna: (?P<what>(?!mark ).*)", "{what}", Gravity.NOTE),
    (r"^launch: (?P<what>.*)", "The engine cannot be started: {what}.", Gravity.NOTE),
)
_FATAL = re.compile("|".join(row[0] for row in _TABLE if row[2] is Gravity.FATAL))
_LAST_ERROR = re.compile(r"^.*(?:\bE rkllm:|\bE RKNN:|GGML_ASSERT|Error:).*$", re.M)


def read(text: str) -> Reason | None:
    """The reason that some lines of the log give, if Luna knows one."""
    for pattern, sentence, gravity in _TABLE:
        if found := re.search(pattern, text, re.M):
            return Reason(sentence.format(**found.groupdict()), gravity)
    return None


def explain(output: str, status: int) -> str:
    """Why the process ended; `status` as subprocess gives it."""
    if reason := read(output):
        return reason.sentence
    lines = _LAST_ERROR.findall(output)
    said = f" It said: {lines[-1].strip()[:300]}" if lines else ""
    if status == -signal.SIGKILL:
        return "The engine was killed, most likely because memory ran out; choose a smaller model."
    if status < 0:
        return f"The NPU runtime crashed (signal {-status}).{said}"
    return f"The NPU engine ended with status {status}.{said}"


def mark(number: int) -> bytes:
    """A line that says how far the log is; it is written behind whatever line is not whole."""
    return b"\nluna: mark %d\n" % number


class VendorLog:
    """What one process said, line by line, cut into runs by its marks; for any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._marked = -1
        self._between = ""
        self.fatal: Reason | None = None

    def hear(self, line: str) -> None:
        """One more line."""
        with self._changed:
            if found := _MARK.match(line):
                self._marked, self._between = int(found[1]), "\n".join(self._lines)
                self._lines.clear()
                self._changed.notify_all()
                return
            self._lines.append(line)
            if self.fatal is None and _FATAL.search(line):
                self.fatal = read(line)

    @property
    def marked(self) -> int:
        """The number of the last mark, -1 before the first."""
        return self._marked

    def until(self, number: int, timeout: float) -> str:
        """The lines between mark `number` and the one before, once it was heard.

        Empty if it does not come within `timeout` seconds.
        """
        with self._changed:
            heard = self._changed.wait_for(lambda: self._marked >= number, timeout)
            return self._between if heard and self._marked == number else ""
