"""An engine without a model, in this process: it says what it is told, byte for byte."""

from __future__ import annotations

import math
import threading
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
from appliance.errors import EngineError, LunaError, ModelLoading, ModelLoadFailed

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

    def __init__(self, script: Script, gates: Gates | None = None, slots: int = 2) -> None:
        self._script = script
        self._gates = gates or Gates()
        self._slots = slots
        self._lock = threading.Lock()
        self._failure: LunaError | None = None
        self.running = 0
        self.state = "unloaded"

    @property
    def slots(self) -> int:
        """How many requests may run at once; one more is refused."""
        return self._slots

    @property
    def context(self) -> int:
        """It has no limit."""
        return 0

    @property
    def failure(self) -> str:
        """What the gate `load` raised."""
        return self._failure.message if self._failure else ""

    @property
    def pid(self) -> int | None:
        """It has no process of its own."""
        return None

    def start(self) -> None:
        """Load, unless it is loaded; unlike a real engine's this may wait, at the gate."""
        if self.state == "loaded":
            return
        self.state, self._failure = "loading", None
        try:
            self._gates.load()
        except LunaError as error:
            self.state, self._failure = "failed", ModelLoadFailed(error.message)
        else:
            self.state = "loaded"

    def wait_ready(self, timeout: float) -> None:
        """Raise at once unless it is loaded."""
        if self._failure is not None:
            raise self._failure
        if self.state != "loaded":
            raise ModelLoading(f"The scripted model is {self.state}.")

    def chat(self, request: ChatRequest, cancel: CancelToken) -> Iterator[Event]:
        """What the script says to a conversation."""
        prompt = sum(len(message.content.encode()) for message in request.messages)
        return self._say(self._script(request), request.generation, prompt, cancel)

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
        with self._lock:
            if self.running >= self._slots:
                raise EngineError(f"All {self._slots} slots of the scripted engine are taken.")
            self.running += 1
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1

    def _say(
        self, tokens: Sequence[Token], wanted: Generation, prompt: int, cancel: CancelToken
    ) -> Iterator[Event]:
        joiner, scanner = Joiner(), StopScanner(wanted.stop)
        said, reason, calls = 0, _natural_end(tokens), 0
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
                    calls += 1
                elif text := scanner.feed(joiner.feed(token)):
                    yield Content(text)
                if scanner.stopped:
                    reason = "stop"
                    break
            if rest := scanner.feed(joiner.close()) + scanner.close():
                yield Content(rest)
        yield Finish(reason, Usage(prompt, said))


def _natural_end(tokens: Sequence[Token]) -> FinishReason:
    return "tool_calls" if any(isinstance(token, ToolCall) for token in tokens) else "stop"


def _bytes(prompt: Prompt) -> bytes:
    if isinstance(prompt, str):
        return prompt.encode()
    return bytes(token % 256 for token in prompt)


def _vector(prompt: Prompt) -> tuple[float, ...]:
    counts = [0] * _DIMENSIONS
    for byte in _bytes(prompt):
        counts[byte % _DIMENSIONS] += 1
    length = math.sqrt(sum(count * count for count in counts)) or 1.0
    return tuple(count / length for count in counts)
