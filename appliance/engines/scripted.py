"""An engine without a model, in this process: it says what it is told, byte for byte."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Event, Finish, FinishReason, ToolCallDelta, Usage
from appliance.domain.messages import ToolCall
from appliance.domain.requests import ChatRequest, CompletionRequest, Generation, Prompt
from appliance.domain.stops import StopScanner
from appliance.domain.utf8 import Joiner
from appliance.engines.base import Vectors
from appliance.errors import EngineError, LunaError, ModelLoadFailed, ModelLoading

Token = bytes | ToolCall
Script = Callable[[ChatRequest | CompletionRequest], Sequence[Token]]
_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Gates:
    """What the engine passes on its way: each may wait, or raise a LunaError.

    `load` comes before the model is loaded, `token` before token `k` of each answer.
    """

    load: Callable[[], None] = lambda: None
    token: Callable[[int, CancelToken], None] = lambda k, cancel: None


def always(*tokens: Token) -> Script:
    """The same tokens for every request; bytes may be cut anywhere in a character."""
    return lambda request: tokens


class Scripted:
    """An `Engine` (see `engines.base`) whose tokens are the bytes of its texts."""

    pid: int | None = None
    restarts: int = 0
    context = 0

    def __init__(self, script: Script, gates: Gates | None = None, slots: int = 2) -> None:
        self._script = script
        self._gates = gates or Gates()
        self._free = threading.Semaphore(slots)
        self.slots = slots
        self.state = "unloaded"
        self._failure = ""

    def start(self) -> None:
        """Begin to load, unless that was done; the gate is passed by those who wait."""
        if self.state not in ("loading", "loaded"):
            self.state = "loading"

    def wait_ready(self, timeout: float) -> None:
        """Load; what the gate raises is why it failed, unless that is ModelLoading."""
        if self.state == "loading":
            try:
                self._gates.load()
            except ModelLoading:
                raise
            except LunaError as error:
                self.state, self._failure = "failed", error.message
            else:
                self.state = "loaded"
        if self.state == "failed":
            raise ModelLoadFailed(self._failure)
        if self.state == "unloaded":
            raise ModelLoading("The scripted model was not started.")

    def chat(self, request: ChatRequest, cancel: CancelToken) -> Iterator[Event]:
        """What the script says to a conversation."""
        prompt = sum(len(message.content.encode()) for message in request.messages)
        return self._say(self._script(request), request.generation, prompt, cancel)

    def ignored(self, generation: Generation) -> tuple[str, ...]:
        """A seed: there is nothing to draw."""
        return () if generation.sampling.seed is None else ("seed",)

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> Iterator[Event]:
        """What the script says to a prompt."""
        size = len(_bytes(request.prompt))
        return self._say(self._script(request), request.generation, size, cancel)

    def embed(self, inputs: tuple[Prompt, ...], cancel: CancelToken) -> Vectors:
        """How often each residue of a byte modulo 8 comes, as a vector of length one."""
        cancel.check()
        return Vectors(tuple(map(_vector, inputs)), sum(len(_bytes(each)) for each in inputs))

    def tokenize(self, text: str, cancel: CancelToken) -> tuple[int, ...]:
        """The bytes of `text`."""
        return tuple(text.encode())

    def detokenize(self, tokens: tuple[int, ...], cancel: CancelToken) -> str:
        """The text of bytes."""
        return _bytes(tokens).decode(errors="replace")

    def stop(self) -> None:
        """Unload."""
        self.state = "unloaded"

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise EngineError(f"All {self.slots} slots of the scripted engine are taken.")
        try:
            yield
        finally:
            self._free.release()

    def _say(
        self, tokens: Sequence[Token], wanted: Generation, prompt: int, cancel: CancelToken
    ) -> Iterator[Event]:
        joiner, scanner = Joiner(), StopScanner(wanted.stop)
        said, calls = 0, 0
        reason: FinishReason = "stop"
        with self._slot():
            for token in tokens:
                self._gates.token(said, cancel)
                cancel.check()
                if said == wanted.max_tokens:
                    reason = "length"
                    break
                said += 1
                if isinstance(token, ToolCall):
                    yield ToolCallDelta(calls, token.arguments, token.id, token.name)
                    calls, reason = calls + 1, "tool_calls"
                elif text := scanner.feed(joiner.feed(token)):
                    yield Content(text)
                if scanner.stopped:
                    reason = "stop"
                    break
            if rest := scanner.feed(joiner.close()) + scanner.close():
                yield Content(rest)
        yield Finish(reason, Usage(prompt, said), word=scanner.word)


def _bytes(prompt: Prompt) -> bytes:
    if isinstance(prompt, str):
        return prompt.encode()
    return bytes(token % 256 for token in prompt)


def _vector(prompt: Prompt) -> tuple[float, ...]:
    counts = Counter(byte % _DIMENSIONS for byte in _bytes(prompt))
    length = math.hypot(*counts.values()) or 1.0
    return tuple(counts[axis] / length for axis in range(_DIMENSIONS))
