"""The callback that the library is given: C on one side, a listener on the other."""

from __future__ import annotations

from array import array
from ctypes import string_at
from typing import Any

from appliance.engines.rkllm.abi import CallbackReturn, LLMCallState, LLMResultCallback
from appliance.engines.rkllm.failures import RunFailed
from appliance.engines.rkllm.values import Floats, Listener, Perf, Piece

_FLOAT_BYTES = 4


class Relay:
    """Hands what the library says to the listener of the run; no exception gets back into C.

    `function` is the callback itself; it lives as long as this object does.
    """

    def __init__(self, *, releases: bool) -> None:
        self._releases = releases
        self._listener: Listener = lambda piece: True
        self.function = LLMResultCallback(self._called)
        self._limit = 0
        self.error: BaseException | None = None
        self.failed = self.finished = self.stopped = False
        self.tokens = 0
        self.perf: Perf | None = None

    def begin(self, listener: Listener, limit: int = 0) -> None:
        """Forget the run before, and listen for the next one; `limit` tokens end it, 0 never."""
        self._listener, self._limit = listener, limit
        self.error = self.perf = None
        self.failed = self.finished = self.stopped = False
        self.tokens = 0

    @property
    def limited(self) -> bool:
        """Whether the run was ended by its limit."""
        return 0 < self._limit <= self.tokens

    def stop(self) -> None:
        """End the run at its next token, from any thread."""
        self.stopped = True

    def _called(self, result: Any, userdata: int | None, state: int) -> int:
        try:
            return self._hand_over(result, state)
        except BaseException as error:  # outermost loop: what called this is C
            self.error = error
            return CallbackReturn.PAUSE

    def _hand_over(self, result: Any, state: int) -> CallbackReturn:
        piece = _piece(result, state)
        if piece.state is LLMCallState.FINISH:
            self.finished, self.perf = True, piece.perf
        elif piece.token >= 0:
            self.tokens += 1
        self.failed = self.failed or piece.state is LLMCallState.ERROR
        ended = self.finished or self.failed
        if not self.stopped and not self.error and not self._listener(piece) and not ended:
            self.stopped = True
        if piece.floats is not None and self._releases:
            return CallbackReturn.RELEASE  # they were copied; else the library keeps every one
        enough = self.stopped or self.limited or self.error is not None
        return CallbackReturn.PAUSE if enough else CallbackReturn.CONTINUE


def _piece(result: Any, state: int) -> Piece:
    try:
        known = LLMCallState(state)
    except ValueError:
        raise RunFailed(
            f"The NPU runtime reported a state {state} that its header does not know; install "
            "librkllmrt.so again."
        ) from None
    if not result:
        return Piece(known)
    contents = result.contents
    if known is LLMCallState.FINISH:
        return Piece(known, contents.text or b"", contents.token_id, perf=_perf(contents.perf))
    return Piece(known, contents.text or b"", contents.token_id, _floats(contents))


def _floats(contents: Any) -> Floats | None:
    hidden, logits = contents.last_hidden_layer, contents.logits
    if hidden.hidden_states:
        return _copied(hidden.hidden_states, hidden.num_tokens, hidden.embd_size)
    if logits.logits:
        return _copied(logits.logits, logits.num_tokens, logits.vocab_size)
    return None


def _copied(values: Any, rows: int, columns: int) -> Floats:
    copy = array("f", string_at(values, rows * columns * _FLOAT_BYTES))
    return Floats(rows, columns, copy)


def _perf(perf: Any) -> Perf:
    return Perf(
        perf.prefill_time_ms,
        perf.prefill_tokens,
        perf.generate_time_ms,
        perf.generate_tokens,
        perf.memory_usage_mb,
    )
