"""One call of a tool, in a process of its own that is gone when the call is over."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from appliance.serving.toolbox.tool import DeviceTool, ToolFailed

_log = logging.getLogger(__name__)

_PACKAGES = Path(__file__).parents[3]  # where `appliance` is imported from
_HOST = Path(__file__).parents[1] / "toolhost.py"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_ON = ("LANG", "LC_ALL", "LC_TIME", "TZ")  # all else may hold a secret
_NOISE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one call: seconds until it is stopped, characters of its result."""

    seconds: float
    characters: int


class _Answer(msgspec.Struct):
    """What toolhost writes: a text, or why there is none."""

    text: str | None = None
    failure: str | None = None


def call_tool(
    tool: DeviceTool, arguments: Mapping[str, object], limits: Limits, environ: Mapping[str, str]
) -> str:
    """Run the tool and return its text, cut to the limit. Raises ToolFailed."""
    try:
        started = _start(tool, arguments, limits, environ)
    except OSError as error:
        raise ToolFailed(
            f"The tool {tool.name} could not be started ({error.strerror}); try again later."
        ) from error
    with started as child:
        try:
            raw = child.listen(limits)
        finally:
            noise = child.end()
    answer = _parse(raw)
    if noise or answer.text is None:
        _log.info("Tool %s wrote: %s", tool.name, noise.decode("utf-8", "replace").strip())
    if raw is None:
        raise ToolFailed(
            f"The tool {tool.name} took longer than {limits.seconds:g} seconds and was stopped;"
            " try it with less to do."
        )
    if answer.text is None:
        raise ToolFailed(f"The tool {tool.name} failed: {answer.failure or 'it gave no answer'}.")
    return answer.text


class _Child:
    """A running toolhost, the pipe with its answer and the pipe with all else it prints."""

    def __init__(self, process: subprocess.Popen[bytes], answer: IO[bytes]) -> None:
        assert process.stdout is not None
        self._process = process
        self._answer = answer
        self._noise = process.stdout
        self._heard = b""

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._noise.close()
        self._answer.close()

    def listen(self, limits: Limits) -> bytes | None:
        """The answer's line, or what came of it when the process ended; None if time ran out."""
        deadline = time.monotonic() + limits.seconds
        # JSON writes a character with at most 12 bytes: \ud83d\ude00.
        most = 12 * limits.characters + 4096
        answer = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answer, selectors.EVENT_READ)
            selector.register(self._noise, selectors.EVENT_READ)
            while len(answer) < most and not answer.endswith(b"\n"):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    return None
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    if key.fileobj is self._noise:
                        self._hear(data)
                        if not data:
                            selector.unregister(self._noise)
                    elif data:
                        answer += data
                    else:
                        return answer
        return answer

    def end(self) -> bytes:
        """Kill the process and whatever it started; the last of what they printed."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.set_blocking(self._noise.fileno(), False)
        with suppress(BlockingIOError):  # a process that left the group holds the pipe open
            while data := os.read(self._noise.fileno(), 65536):
                self._hear(data)
        return self._heard

    def _hear(self, data: bytes) -> None:
        self._heard = (self._heard + data)[-_NOISE_BYTES:]


def _start(
    tool: DeviceTool, arguments: Mapping[str, object], limits: Limits, environ: Mapping[str, str]
) -> _Child:
    request = {
        "path": str(tool.path),
        "function": tool.name,
        "arguments": arguments,
        "packages": str(_PACKAGES),
        "seconds": limits.seconds,
        "characters": limits.characters,
    }
    # A file in memory: unlike a pipe it takes any request at once, whether it is read or not.
    with os.fdopen(os.memfd_create("luna-tool"), "w+b") as stdin:
        stdin.write(msgspec.json.encode(request))
        stdin.seek(0)
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                # -I: neither the working folder nor the user's own packages can be imported.
                [sys.executable, "-I", "-u", str(_HOST), str(writing)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                cwd="/",
                env=_environment(environ),
                start_new_session=True,
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
    return _Child(process, os.fdopen(reading, "rb", buffering=0))


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    return {"PATH": _PATH, "LANG": "C.UTF-8"} | passed_on


def _parse(raw: bytes | None) -> _Answer:
    try:
        return msgspec.json.decode(raw or b"{}", type=_Answer)
    except msgspec.DecodeError:
        return _Answer()
