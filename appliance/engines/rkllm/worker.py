"""The runs of one model in the model's own process: orders in, what the library says out."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from appliance.engines.rkllm.failures import CallFailed, StartFailed
from appliance.engines.rkllm.runtime import Runtime
from appliance.engines.rkllm.values import Piece, RunEnd
from appliance.engines.rkllm.vendor_log import mark
from appliance.engines.rkllm.wire import Decoder, Ended, Failed, Order, Rows, Said, encode
from appliance.errors import BadRequest, EngineError, LunaError

_READ_BYTES = 65536
_ORDER_SECONDS = 10.0  # an order is one frame, sent at once
_ABORT_AGAIN = 0.1  # seconds: an abort that comes just before the run begins is lost


def tell_log(number: int) -> None:
    """Say in the log that everything before belongs to run `number`, or the ones before it."""
    os.write(sys.stderr.fileno(), mark(number))


class Worker:
    """Carries out one order after the other, each on a connection of its own.

    `told` is called with an order's number when its run is over, before its last message is sent.
    """

    def __init__(self, runtime: Runtime, told: Callable[[int], None] = tell_log) -> None:
        self._runtime = runtime
        self._told = told
        self._cache: Path | None = None
        self._loras: set[str] = set()

    def serve(self, listener: socket.socket) -> None:
        """Until the listener is shut down."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self._serve_one(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        connection.settimeout(_ORDER_SECONDS)
        order = _received(connection)
        if order is None:
            return
        connection.settimeout(None)
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(connection, over), name="watch")
        watch.start()
        try:
            last = self._carry_out(order, connection)
        finally:
            over.set()
            connection.shutdown(socket.SHUT_RD)
            watch.join()
        self._told(order.number)
        try:
            connection.sendall(encode(last))
        except OSError:
            return  # nobody is left to hear it

    def _watch(self, connection: socket.socket, over: threading.Event) -> None:
        """Abort the run when the other side has closed its half."""
        try:
            while connection.recv(_READ_BYTES):
                pass
        except OSError:
            pass  # as good as closed
        while not over.is_set():
            self._runtime.abort()
            over.wait(_ABORT_AGAIN)

    def _carry_out(self, order: Order, connection: socket.socket) -> Ended | Failed:
        try:
            return self._run(order, connection)
        except OSError:  # the other side is gone altogether
            self._forget()
            return Failed("The API went away.", "run")
        except StartFailed as error:
            self._forget()
            return Failed(error.message, "start")
        except LunaError as error:
            self._forget()
            return Failed(error.message, "caller" if isinstance(error, BadRequest) else "run")

    def _run(self, order: Order, connection: socket.socket) -> Ended:
        self._prepare(order)
        began = time.monotonic()
        first = 0.0

        def listen(piece: Piece) -> bool:
            nonlocal first
            if piece.token >= 0 or piece.text:
                first = first or time.monotonic()
                tokens = (piece.token,) if piece.token >= 0 else ()
                connection.sendall(encode(Said(tokens, piece.text)))
            if piece.floats is not None:
                floats = piece.floats
                frame = encode(Rows(floats.rows, floats.columns, floats.values.tobytes()))
                connection.sendall(frame)
            return True

        end = self._runtime.run(order.run, listen)
        now = time.monotonic()
        kept = order.run.keep_history and not end.stopped and not end.limited
        context = self._runtime.context_tokens()
        if not kept:
            self._runtime.clear_context()
        return _ended(end, context, kept, 1000 * ((first or now) - began), 1000 * (now - began))

    def _prepare(self, order: Order) -> None:
        if order.resumes == 0:
            self._runtime.clear_context()
        elif order.resumes != (held := self._runtime.context_tokens()):
            raise StartFailed(f"The context has {held} tokens, and not {order.resumes}.")
        if self._cache != order.cache and self._cache is not None:
            self._cache = None
            self._runtime.release_prompt_cache()
        if self._cache != order.cache and order.cache is not None:
            try:
                self._runtime.load_prompt_cache(order.cache)
            except CallFailed as error:
                raise StartFailed(error.message) from error
            self._cache = order.cache
        if order.lora_file is not None and order.run.lora not in self._loras:
            self._runtime.load_lora(order.run.lora, order.lora_file, order.lora_scale)
            self._loras.add(order.run.lora)

    def _forget(self) -> None:
        """After a fault nobody knows what is in the context; if it stays, the process has to go."""
        self._runtime.clear_context()


def _received(connection: socket.socket) -> Order | None:
    decoder: Decoder[Order] = Decoder(Order)
    try:
        while data := connection.recv(_READ_BYTES):
            if orders := decoder.feed(data):
                return orders[0]
    except (OSError, EngineError):
        return None
    return None


def _ended(end: RunEnd, context: int, kept: bool, prompt_ms: float, all_ms: float) -> Ended:
    perf = end.perf
    return Ended(
        tokens=end.tokens,
        stopped=end.stopped,
        limited=end.limited,
        context=context if kept else 0,
        prompt_tokens=perf.prefill_tokens if perf else max(0, context - end.tokens),
        prompt_ms=perf.prefill_ms if perf else prompt_ms,
        generated_ms=perf.generate_ms if perf else all_ms - prompt_ms,
    )
