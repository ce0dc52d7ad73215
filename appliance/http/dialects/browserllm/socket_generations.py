"""The generations of one WebSocket: several at once, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from appliance.domain.cancel import CancelToken
from appliance.errors import BadRequest, Cancelled, LunaError, QueueFull
from appliance.http.dialects.browserllm.generating import Generating
from appliance.http.dialects.browserllm.render import Telling
from appliance.http.dialects.browserllm.requests import BrowserLlmGenerateBody
from appliance.http.dialects.browserllm.socket_messages import chunk_message, error_message
from appliance.http.exchange import Request
from appliance.http.stopwatch import Stopwatch
from appliance.http.websocket.handler import Socket
from appliance.serving.answer import Caller

_log = logging.getLogger(__name__)
EACH = 16  # generations of one socket at one time, the waiting ones included


class Generations:
    """Those of one socket; `threads` counts down the ones that all sockets together may have."""

    def __init__(
        self, request: Request, socket: Socket, generating: Generating, threads: threading.Semaphore
    ) -> None:
        self._caller = request.caller
        self._socket = socket
        self._generating = generating
        self._threads = threads
        self._lock = threading.Lock()
        self._running: dict[str, CancelToken] = {}
        self._count = 0

    def begin(self, id: str, body: BrowserLlmGenerateBody, unknown: Sequence[str] = ()) -> None:
        """Answer a body under a name. Raises BadRequest for one in use, QueueFull for too many.

        `unknown` are fields that came with the body and mean nothing.
        """
        cancel = CancelToken()
        with self._lock:
            if id in self._running:
                raise BadRequest(f"'{id}' is being generated already; choose another id.")
            if len(self._running) >= EACH:
                raise QueueFull(f"A socket can have {EACH} generations at one time; wait for one.")
            if not self._threads.acquire(blocking=False):
                raise QueueFull("Too many generations are running; try again later.")
            self._running[id] = cancel
            self._count += 1
            caller = Caller(self._caller.client, f"{self._caller.request_id}-{self._count}", cancel)
        arguments = (id, body, tuple(unknown), caller)
        threading.Thread(
            target=self._run, args=arguments, name="luna-socket-answer", daemon=True
        ).start()

    def abort(self, id: str) -> None:
        """Stop a generation, which then ends with an error. Raises BadRequest if there is none."""
        with self._lock:
            cancel = self._running.get(id)
        if cancel is None:
            raise BadRequest(f"Nothing is being generated as '{id}'.")
        cancel.cancel(Cancelled("The generation was aborted, as you wished."))

    def abort_all(self) -> None:
        """Stop every generation, as nobody listens any more."""
        with self._lock:
            running = tuple(self._running.values())
        for cancel in running:
            cancel.cancel()

    def _run(
        self, id: str, body: BrowserLlmGenerateBody, unknown: tuple[str, ...], caller: Caller
    ) -> None:
        try:
            last = self._tell(id, body, unknown, caller)
        except LunaError as error:
            last = error_message(id, error)
        except Exception:  # outermost loop
            _log.exception("request %s failed", caller.request_id)
            last = error_message(id, LunaError("Something is wrong inside Luna; see its log."))
        # The name is free before the client hears that it is.
        with self._lock:
            del self._running[id]
        self._threads.release()
        self._socket.send(last)

    def _tell(
        self, id: str, body: BrowserLlmGenerateBody, unknown: tuple[str, ...], caller: Caller
    ) -> str:
        """Send each token, or with `stream` false none; return the end."""
        telling, last = Telling(Stopwatch()), ""
        answer = self._generating.begin(body, caller)
        ignored, events = (*unknown, *answer.ignored), answer.events
        try:
            for item in events:
                chunk = telling.chunk(item.event)
                if chunk is None:
                    continue
                last = chunk_message(id, chunk, ignored)
                if chunk.type == "token" and body.stream is not False:
                    self._socket.send(last)
        finally:
            events.close()
        return last
