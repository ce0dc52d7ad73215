"""Handlers of Ollama's API that ask a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from appliance.domain.requests import CompletionRequest, EmbeddingRequest
from appliance.domain.vectors import shortened
from appliance.errors import ModelLoading
from appliance.http.bodies import decode
from appliance.http.collected import collect
from appliance.http.dialects.ollama import answers, parse, requests
from appliance.http.dialects.ollama.durations import keep_alive
from appliance.http.dialects.ollama.render import (
    ChatTeller,
    GenerateTeller,
    Lines,
    Teller,
)
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.stopwatch import Stopwatch
from appliance.http.streamed import streamed_reply
from appliance.models.registry import Registry
from appliance.serving.answer import Answer, Caller
from appliance.serving.conversation import Conversation
from appliance.serving.pool import Pool

_LINES = "application/x-ndjson"
_LONGEST_LOAD = 600  # seconds


class Asking:
    """`clock` is monotonic and counts nanoseconds."""

    def __init__(
        self,
        conversation: Conversation,
        registry: Registry,
        pool: Pool,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._conversation = conversation
        self._registry = registry
        self._pool = pool
        self._clock = clock

    def chat(self, request: Request) -> Reply:
        """POST /api/chat."""
        body = decode(request.body, requests.OllamaChatBody)
        ignored = parse.ignored(request.body, requests.OllamaChatBody)
        if not body.messages:
            return self._load(body, ChatTeller, request.caller)
        watch = Stopwatch(self._clock)
        self._await_model(body.model, request.caller)
        forgetful = body.truncate is not False
        answer = self._conversation.chat(parse.chat(body), request.caller, forgetful=forgetful)
        teller = ChatTeller(answer.model, body.top_logprobs or 0, watch)
        return _told(body, answer, teller, ignored)

    def generate(self, request: Request) -> Reply:
        """POST /api/generate."""
        body = decode(request.body, requests.OllamaGenerateBody)
        ignored = parse.ignored(request.body, requests.OllamaGenerateBody)
        wanted = parse.generate(body)
        if not body.prompt and not body.suffix:
            return self._load(body, GenerateTeller, request.caller)
        watch = Stopwatch(self._clock)
        self._await_model(body.model, request.caller)
        top = body.top_logprobs or 0
        if isinstance(wanted, CompletionRequest):
            answer = self._conversation.complete([wanted], request.caller)
            return _told(body, answer, GenerateTeller(answer.model, top, watch), ignored)
        answer = self._conversation.chat(wanted, request.caller)
        teller = GenerateTeller(answer.model, top, watch, turns=wanted.messages)
        return _told(body, answer, teller, ignored)

    def embed(self, request: Request) -> Reply:
        """POST /api/embed."""
        body = decode(request.body, requests.OllamaEmbedBody)
        watch = Stopwatch(self._clock)
        wanted = parse.embed(body)
        model, vectors, tokens = self._vectors(wanted, request.caller)
        rows = [list(shortened(v, wanted.dimensions or len(v))) for v in vectors]
        headers = ignored_header(parse.ignored(request.body, requests.OllamaEmbedBody))
        told = answers.OllamaEmbeddings(model, rows, watch.total, 0, tokens)
        return json_reply(told, headers=headers)

    def embeddings(self, request: Request) -> Reply:
        """POST /api/embeddings."""
        body = decode(request.body, requests.OllamaEmbeddingsBody)
        _, vectors, _ = self._vectors(parse.embeddings(body), request.caller)
        headers = ignored_header(parse.ignored(request.body, requests.OllamaEmbeddingsBody))
        row = list(vectors[0]) if vectors else []
        return json_reply(answers.OllamaEmbedding(row), headers=headers)

    def _await_model(self, name: str, caller: Caller) -> None:
        """Wait until the model is loaded: Ollama's apps do not come back by themselves."""
        deadline = self._clock() + _LONGEST_LOAD * 1_000_000_000
        gone = threading.Event()
        with caller.cancel.calling(gone.set):
            while True:
                try:
                    with self._conversation.model(name):
                        return
                except ModelLoading as error:
                    if self._clock() > deadline or gone.wait(error.retry_after):
                        raise

    def _load(self, body: requests.OllamaGenerating, teller: type[Teller], caller: Caller) -> Reply:
        """Answer who asks for nothing: the model is loaded for them, or let go."""
        name, keep = body.model, keep_alive(body.keep_alive)
        entry = self._registry.resolve(name)
        if keep == 0:
            self._pool.let_go(entry)
        else:
            self._await_model(name, caller)
            with self._conversation.model(name, keep):
                pass
        public = self._registry.public_name(name, entry)
        return json_reply(teller(public).loaded("load" if keep != 0 else "unload"))

    def _vectors(
        self, wanted: EmbeddingRequest, caller: Caller
    ) -> tuple[str, tuple[tuple[float, ...], ...], int]:
        """The model's name, the vectors and the tokens; for no inputs the model is loaded only."""
        self._await_model(wanted.model, caller)
        if not wanted.inputs:
            with self._conversation.model(wanted.model, wanted.keep_alive) as loaded:
                return self._registry.public_name(wanted.model, loaded.entry), (), 0
        model, found = self._conversation.embed(wanted, caller)
        return model, found.vectors, found.prompt_tokens


def _told(
    body: requests.OllamaGenerating, answer: Answer, teller: Teller, ignored: tuple[str, ...]
) -> Reply:
    """The answer as lines, which is what Ollama does unless told otherwise, or as a whole."""
    headers = ignored_header((*ignored, *answer.ignored))
    if body.stream is not False:
        lines = Lines(answer.events, teller)
        return streamed_reply(lines, headers, _LINES)
    return json_reply(teller.line(collect(answer.events)[0]), headers=headers)
