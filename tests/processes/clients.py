"""What the tests of whole processes share: streams held open, engines found, memory read."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from appliance.domain.sse import Decoder

T = TypeVar("T")
PATIENCE_S = 60.0


class ChatStream:
    """A streaming chat; it has begun when the constructor returns."""

    def __init__(self, port: int, tokens: int, text: str = "hello", **more: Any) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": tokens}
        body |= {"stream": True, "stream_options": {"include_usage": True}, **more}
        self._connection.request("POST", "/v1/chat/completions", json.dumps(body))
        # A response that will close takes the socket away from its connection.
        self._socket = self._connection.sock
        self._response: http.client.HTTPResponse | None = None
        self._decoder = Decoder()

    def wait_begun(self) -> int:
        """Wait for the header; returns the status."""
        if self._response is None:
            self._response = self._connection.getresponse()
        return self._response.status

    def read_some(self) -> list[bytes]:
        """At least one event, or none at the end of the stream."""
        self.wait_begun()
        assert self._response is not None
        events: list[bytes] = []
        while not events and (piece := self._response.read1(65536)):
            events = self._decoder.feed(piece)
        return events

    def rest(self) -> list[bytes]:
        """All events up to the end of the stream."""
        events: list[bytes] = []
        while more := self.read_some():
            events += more
        return events

    def close(self) -> None:
        """Leave, as a client that crashed would."""
        if self._response is not None:
            self._response.close()
        self._connection.close()


def usage(events: Sequence[bytes]) -> dict[str, Any]:
    """The usage that a whole stream ends with."""
    assert events, "the stream is empty"
    assert events[-1] == b"[DONE]", events[-1]
    return dict(json.loads(events[-2])["usage"])


def ask(port: int, **more: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of a short chat that is not streamed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2, **more}
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def together(count: int, work: Callable[[int], T]) -> list[T]:
    """`work(0)` to `work(count - 1)`, all at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def children(pid: int) -> list[int]:
    """The child processes of all threads of `pid`."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text("ascii").split()]
    return found


def memory_bytes(pid: int) -> int:
    """What a process holds in memory without the pages of files (proc_pid_status(5))."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory to read")


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
