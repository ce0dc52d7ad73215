"""The one service behind every dialect: a checked request in, events of a loaded model out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Event, Finish, Queued
from appliance.domain.history import shortened
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    Generation,
    prompt_size,
)
from appliance.engines.base import Engine, Vectors
from appliance.engines.extras import Ranking, extras_of
from appliance.errors import ContextTooLong, EngineDied, ModelLoadFailed
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.observe.metrics import Metrics, RunMeter
from appliance.observe.runs import Runs
from appliance.serving import device_turns
from appliance.serving.answer import Answer, Caller, ChoiceEvent, EventStream
from appliance.serving.choices import interleave
from appliance.serving.pool import Loaded, Pool
from appliance.serving.toolbox import Toolbox

_READY_AGAIN = 30.0  # seconds to wait for an engine that is being restarted

Ask = Callable[[Engine, CancelToken], Iterator[Event]]
Make = Callable[[Loaded, Generation, CancelToken], Iterator[Event]]


class Conversation:
    """Finds the model, waits for a slot, asks the engine, and frees everything at the end."""

    def __init__(
        self,
        registry: Registry,
        pool: Pool,
        toolbox: Toolbox,
        tool_rounds: int,
        runs: Runs,
        metrics: Metrics | None = None,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._toolbox = toolbox
        self._tool_rounds = tool_rounds
        self._runs = runs
        self._metrics = metrics or Metrics()

    def chat(self, request: ChatRequest, caller: Caller, *, forgetful: bool = False) -> Answer:
        """The next turn of a conversation; calls of device tools are answered on the way.

        If it is too long for the model, the oldest turns are left out when `forgetful`.
        """
        while True:
            try:
                return self._chat(request, caller)
            except ContextTooLong as error:
                shorter = shortened(request, error) if forgetful else None
                if shorter is None:
                    raise
                request = shorter

    def complete(self, requests: Sequence[CompletionRequest], caller: Caller) -> Answer:
        """The continuations of prompts for one model; choice `c` of prompt `p` is number p*n+c."""

        def make(
            request: CompletionRequest,
            loaded: Loaded,
            generation: Generation,
            cancel: CancelToken,
        ) -> Iterator[Event]:
            mine = replace(request, generation=generation)
            size = prompt_size(mine)
            return self._asked(loaded, caller, cancel, lambda e, c: e.complete(mine, c), size)

        makers = [partial(make, request) for request in requests]
        return self._answer(requests[0].generation, caller, makers)

    def embed(self, request: EmbeddingRequest, caller: Caller) -> tuple[str, Vectors]:
        """The public name of the model, and a vector for each input."""
        entry = self._loadable(request.model)
        with (
            self._pool.use(entry, request.keep_alive) as loaded,
            loaded.scheduler.slot(caller.client, caller.cancel),
            loaded.pulse.working(sum(map(len, request.inputs))),
        ):
            vectors = _embedded(loaded.engine, request, caller.cancel)
        return self._registry.public_name(request.model, entry), vectors

    def rerank(
        self, model: str, query: str, documents: tuple[str, ...], caller: Caller
    ) -> tuple[str, Ranking]:
        """The public name of the model, and a score for each document."""
        entry = self._loadable(model)
        with (
            self._pool.use(entry) as loaded,
            loaded.scheduler.slot(caller.client, caller.cancel),
            loaded.pulse.working(sum(len(query) + len(each) for each in documents)),
        ):
            ranking = extras_of(loaded.engine).rerank(query, documents, caller.cancel)
        return self._registry.public_name(model, entry), ranking

    @contextmanager
    def model(self, name: str, keep_alive: float | None = None) -> Iterator[Loaded]:
        """The model that a name means, ready for questions that need no slot."""
        with self._pool.use(self._loadable(name), keep_alive) as loaded:
            yield loaded

    def count_tokens(self, request: ChatRequest, cancel: CancelToken) -> int:
        """How many tokens the prompt of a conversation has; Unsupported where none can tell."""
        with self.model(request.generation.model) as loaded:
            prompt = extras_of(loaded.engine).apply_template(request, cancel)
            return len(loaded.engine.tokenize(prompt, cancel))

    def detokenize(self, model: str, tokens: tuple[int, ...], cancel: CancelToken) -> str:
        """The text of token ids of the model's vocabulary."""
        with self.model(model) as loaded:
            return loaded.engine.detokenize(tokens, cancel)

    def _chat(self, request: ChatRequest, caller: Caller) -> Answer:
        def make(loaded: Loaded, generation: Generation, cancel: CancelToken) -> Iterator[Event]:
            mine = replace(request, generation=generation)

            def ask(turn: ChatRequest, token: CancelToken) -> Iterator[Event]:
                size = prompt_size(turn)
                return self._asked(loaded, caller, token, lambda e, c: e.chat(turn, c), size)

            if not request.device_tools:
                return ask(mine, cancel)
            return device_turns.run(mine, ask, self._toolbox, self._tool_rounds, cancel)

        return self._answer(request.generation, caller, [make])

    def _answer(
        self,
        generation: Generation,
        caller: Caller,
        makers: Sequence[Make],
    ) -> Answer:
        entry = self._loadable(generation.model)
        with self._pool.use(entry) as loaded:
            ignored = loaded.engine.ignored(generation)
        events = EventStream(self._choices(entry, generation, caller, makers))
        name = self._registry.public_name(generation.model, entry)
        return Answer(name, events, ignored)

    def _loadable(self, name: str) -> Entry:
        """The model that a name means; another default stands in for one that cannot be loaded."""
        entry = self._registry.resolve(name)
        try:
            with self._pool.use(entry):
                return entry
        except ModelLoadFailed:
            if self._registry.resolve(name) == entry:
                raise
            return self._loadable(name)

    def _choices(
        self,
        entry: Entry,
        generation: Generation,
        caller: Caller,
        makers: Sequence[Make],
    ) -> Generator[ChoiceEvent]:
        seeded = [
            replace(generation, sampling=generation.sampling.for_choice(index))
            for index in range(generation.n)
        ]
        with self._pool.use(entry, generation.keep_alive) as loaded:
            choices = [partial(make, loaded, each) for make in makers for each in seeded]
            with closing(interleave(choices, caller.cancel)) as events:
                yield from events

    def _asked(
        self, loaded: Loaded, caller: Caller, cancel: CancelToken, ask: Ask, size: int
    ) -> Generator[Event]:
        """Hold a slot while the engine works; ask once more if it dies before the first event.

        `size` is about how many tokens the prompt has.
        """
        asked = self._metrics.clock()
        with loaded.scheduler.turn(caller.client, cancel) as places:
            for ahead in places:
                yield Queued(ahead)
            with self._metrics.run(loaded.entry.id, asked, caller.request_id) as meter:
                yield from self._run(loaded, cancel, ask, size, meter)

    def _run(
        self, loaded: Loaded, cancel: CancelToken, ask: Ask, size: int, meter: RunMeter
    ) -> Generator[Event]:
        for again in (True, False):
            begun = False
            try:
                loaded.engine.wait_ready(_READY_AGAIN)
                for event in loaded.pulse.watch(ask(loaded.engine, cancel), size):
                    begun = True
                    meter.note(event)
                    if isinstance(event, Finish) and event.timings is not None:
                        self._runs.finished(loaded.entry.id, event.timings, loaded.engine.pid)
                    yield event
            except EngineDied:
                if begun or not again:
                    raise
                continue
            return


def _embedded(engine: Engine, request: EmbeddingRequest, cancel: CancelToken) -> Vectors:
    """The vectors; what is too long is cut where the request allows that."""
    try:
        return engine.embed(request.inputs, cancel)
    except ContextTooLong as error:
        if not (request.truncate and error.context):
            raise
        inputs = (
            engine.tokenize(each, cancel) if isinstance(each, str) else each
            for each in request.inputs
        )
        return engine.embed(tuple(each[: error.context] for each in inputs), cancel)
