"""One model on llama.cpp: a chat child, and others from the first embedding or ranking on."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Event, Finish
from appliance.domain.patience import Patience
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    Prompt,
    prompt_size,
)
from appliance.engines.base import ModelSpec, Vectors
from appliance.engines.child import Child, ChildPlan
from appliance.engines.extras import Ranking
from appliance.engines.llamacpp import chunks, command, forced, guided, payload, reasons
from appliance.engines.llamacpp.connection import Connection
from appliance.engines.llamacpp.extras import LlamaCppExtras
from appliance.engines.llamacpp.slot_files import SlotFiles
from appliance.errors import EngineError, EngineTimeout, ModelLoadFailed, Unsupported
from appliance.settings import CpuEngineSettings
from appliance.system.processes import Spawner

_log = logging.getLogger(__name__)
_SLOWEST_DISK = 10e6  # bytes per second: an SD card in a bad mood


class _Server:
    """A child with its socket and the connection to it."""

    def __init__(
        self,
        spec: ModelSpec,
        layout: command.Layout,
        settings: CpuEngineSettings,
        spawner: Spawner,
        folder: Path,
    ) -> None:
        socket = folder / f"{_purpose(layout)}.sock"

        def build() -> list[str]:
            # A socket file left by a killed server makes the next one fail to bind.
            socket.unlink(missing_ok=True)
            return command.build(spec, layout, settings, socket)

        self.connection = Connection(socket, death=lambda: self.child.death())
        self.child = Child(
            ChildPlan(
                name=spec.id,
                command=build,
                probe=lambda: socket.exists() and self.connection.healthy(),
                explain=reasons.explain,
                start_limit=60 + spec.size_bytes / _SLOWEST_DISK,
            ),
            spawner,
        )


def _purpose(layout: command.Layout) -> str:
    return "embed" if layout.embedding else "rank" if layout.ranking else "chat"


def _runtime_folder() -> Path:
    """A private folder for the sockets."""
    try:
        return Path(tempfile.mkdtemp(prefix="luna-engine-"))
    except OSError as error:
        raise ModelLoadFailed(
            f"No folder for the engine's socket can be made in {tempfile.gettempdir()}: "
            f"{error.strerror}. Free some space there, or set TMPDIR to another folder."
        ) from error


class LlamaCpp:
    """An `Engine` (see `engines.base`)."""

    def __init__(
        self,
        spec: ModelSpec,
        settings: CpuEngineSettings,
        spawner: Spawner,
        patience: Patience,
        slots_folder: Path | None = None,
    ) -> None:
        self._spec = spec
        self._settings = settings
        self._spawner = spawner
        self._patience = patience
        self._guides = settings.program is None  # other builds may not have llguidance
        self._template: str | None = None
        self._heard = 0.0  # when the last event of any request came, by the monotonic clock
        self._folder = _runtime_folder()
        self._others: dict[str, _Server] = {}
        self._lock = threading.Lock()
        self._files = SlotFiles(slots_folder or self._folder / "slots", spec, settings.slot_bytes)
        layout = command.Layout(
            settings.slots, spec.context, settings.batch, slot_folder=self._files.folder
        )
        self._chat = _Server(spec, layout, settings, spawner, self._folder)
        connection = self._chat.connection
        self.extras = LlamaCppExtras(
            connection, settings.slots, self._files, self._rank, patience.stall
        )

    @property
    def slots(self) -> int:
        """How many requests may run at once."""
        return self._settings.slots

    @property
    def context(self) -> int:
        """Tokens that one request may use."""
        return self._spec.context

    @property
    def state(self) -> str:
        """The state of the chat child."""
        return str(self._chat.child.state)

    @property
    def pid(self) -> int | None:
        """The chat child's process id."""
        return self._chat.child.pid

    @property
    def restarts(self) -> int:
        """How often the chat child had to be restarted."""
        return self._chat.child.restarts

    def start(self) -> None:
        """Begin to load, again after a failure."""
        self._files.make_folder()
        self._chat.child.start()

    def wait_ready(self, timeout: float) -> None:
        """Return when the model is loaded."""
        self._chat.child.wait_ready(timeout)

    def ignored(self, generation: Generation) -> tuple[str, ...]:
        """Nothing: llama.cpp can do all of it."""
        return ()

    def chat(self, request: ChatRequest, cancel: CancelToken) -> Iterator[Event]:
        """The next turn of a conversation."""
        request, size = guided.lifted(request), prompt_size(request)
        if forced.wanted(request):
            prompt = self.extras.apply_template(request, cancel)
            grammar = guided.call(request.offered) if self._guides else ""
            fits = None if self._guides else forced.fits_of(request)
            body = forced.completion_body(prompt, request, self._spec.defaults, grammar)
            return self._run("/completion", body, size, partial(forced.events, fits=fits), cancel)
        bound = request.response_format.kind != "text"
        grammar = self._grammar(request, cancel) if bound else ""
        body = payload.chat(request, self._spec.defaults, grammar)
        parse = partial(chunks.chat_events, bound=bound)
        fit = None if self._guides else guided.fit_of(request)
        events = self._run("/v1/chat/completions", body, size, parse, cancel)
        return guided.checked(request, events, fit) if grammar or fit else events

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> Iterator[Event]:
        """The continuation of a prompt, or with a suffix what stands between the two."""
        if self._guides:
            request = guided.translated(request)
        body = payload.completion(request, self._spec.defaults)
        route = "/completion" if request.suffix is None else "/infill"
        return self._run(route, body, prompt_size(request), chunks.completion_events, cancel)

    def embed(self, inputs: tuple[Prompt, ...], cancel: CancelToken) -> Vectors:
        """Mean-pooled vectors of length one."""
        server = self._other_server(embedding=True)
        wanted = [text if isinstance(text, str) else list(text) for text in inputs]
        tokens = sum(len(text) for text in inputs)
        limit = self._patience.first_token(tokens)
        server.child.wait_ready(limit)
        answer = server.connection.post("/v1/embeddings", {"input": wanted}, cancel, limit)
        rows = sorted(answer["data"], key=lambda row: int(row["index"]))
        if any(None in row["embedding"] for row in rows):
            raise EngineError(
                f"'{self._spec.id}' made no numbers of that text; it is no model for embeddings, "
                "so load another and name it in 'model'."
            )
        vectors = tuple(tuple(map(float, row["embedding"])) for row in rows)
        return Vectors(vectors, int(answer["usage"]["prompt_tokens"]))

    def tokenize(self, text: str, cancel: CancelToken) -> tuple[int, ...]:
        """The token ids of `text`; spellings of special tokens are read as such."""
        body = {"content": text, "add_special": False, "parse_special": True}
        return tuple(self._ask("/tokenize", body, cancel)["tokens"])

    def detokenize(self, tokens: tuple[int, ...], cancel: CancelToken) -> str:
        """The text of token ids."""
        return str(self._ask("/detokenize", {"tokens": list(tokens)}, cancel)["content"])

    def stop(self) -> None:
        """End both children and remove their sockets."""
        with self._lock:
            servers = [self._chat, *self._others.values()]
        for server in servers:
            server.child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _grammar(self, request: ChatRequest, cancel: CancelToken) -> str:
        """What binds an answer to JSON; "" leaves that to llama.cpp, with tools and odd models."""
        if not self._guides:
            return ""
        if self._template is None:
            self._template = self.extras.properties().chat_template
        thinking = guided.thinks(self._template) and request.thinking is not False
        prompt = self.extras.apply_template(request, cancel) if thinking else ""
        grammar = guided.answer(request.response_format, prompt, thinking=thinking)
        return grammar if guided.knows(self._template) and not request.offered else ""

    def _ask(self, route: str, body: dict[str, Any], cancel: CancelToken) -> Any:
        return self._chat.connection.post(route, body, cancel, self._patience.stall)

    def _run(
        self,
        route: str,
        body: dict[str, Any],
        size: int,
        parse: Callable[[Iterable[bytes]], Iterator[Event]],
        cancel: CancelToken,
    ) -> Iterator[Event]:
        """The parsed events of one stream; a stream that ends without `Finish` was cut."""
        first, stall = self._patience.first_token(size), self._patience.stall
        asked = time.monotonic()
        try:
            for event in parse(self._chat.connection.stream(route, body, cancel, first, stall)):
                cancel.check()
                asked = self._heard = time.monotonic()
                yield event
                if isinstance(event, Finish):
                    return
        except EngineTimeout:
            self._give_up_silence(since=asked)
            raise
        cancel.check()
        raise self._chat.child.death()

    def _give_up_silence(self, since: float) -> None:
        """Start the chat child anew if nobody has heard of it for as long as this request."""
        if self._heard <= since:
            _log.error("engine %s is silent; it is started again", self._spec.id)
            self._chat.child.kill()

    def _rank(self, query: str, documents: tuple[str, ...], cancel: CancelToken) -> Ranking:
        if not self._spec.reranker:
            raise Unsupported(
                f"'{self._spec.id}' was not trained to rank documents; load a reranker, such as "
                "bge-reranker-v2-m3, and name it in 'model'."
            )
        server = self._other_server(embedding=False)
        limit = self._patience.first_token(sum(len(query) + len(text) for text in documents))
        server.child.wait_ready(limit)
        body = {"query": query, "documents": list(documents)}
        answer = server.connection.post("/v1/rerank", body, cancel, limit)
        rows = sorted(answer["results"], key=lambda row: int(row["index"]))
        scores = tuple(float(row["relevance_score"]) for row in rows)
        return Ranking(scores, int(answer["usage"]["prompt_tokens"]))

    def _other_server(self, *, embedding: bool) -> _Server:
        """The embedding or the ranking child, started on first use.

        Mean pooling needs an input in one batch, while the chat child keeps its batches small so
        that a cancelled prefill ends soon: two children serve both, and share the file's pages.
        """
        with self._lock:
            context = min(self._spec.context, command.EMBEDDING_BATCH)
            layout = command.Layout(1, context, context, embedding, not embedding)
            name = _purpose(layout)
            if name not in self._others:
                self._others[name] = _Server(
                    self._spec, layout, self._settings, self._spawner, self._folder
                )
            self._others[name].child.start()
            return self._others[name]
