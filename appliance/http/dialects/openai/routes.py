"""The routes of OpenAI's API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping

from msgspec import UNSET

from appliance import __version__
from appliance.domain.messages import ToolDefinition
from appliance.domain.requests import CompletionRequest, Prompt
from appliance.http.bodies import decode, unknown_fields
from appliance.http.collected import collect
from appliance.http.dialects.openai import (
    answers,
    examples,
    parse,
    render,
    render_text,
    requests,
)
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.routes import Operation, Parameter, Route
from appliance.http.streamed import streamed_reply
from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.serving.conversation import Conversation
from appliance.serving.pool import Pool

_GENERATING = (404, 504)


class OpenAI:
    """Handlers; `device_tools` gives the tools that the server itself can run."""

    def __init__(
        self,
        conversation: Conversation,
        registry: Registry,
        pool: Pool,
        device_tools: Callable[[], Mapping[str, ToolDefinition]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._conversation = conversation
        self._registry = registry
        self._pool = pool
        self._device_tools = device_tools
        self._clock = clock

    def chat(self, request: Request) -> Reply:
        """POST /v1/chat/completions."""
        body = decode(request.body, requests.ChatBody)
        answer = self._conversation.chat(parse.chat(body, self._device_tools()), request.caller)
        headers = _ignored(request.body, requests.ChatBody, answer.ignored)
        head = self._head("chatcmpl", answer.model)
        top = body.top_logprobs or 0
        if body.stream:
            stream = render.ChatStream(
                head, answer.events, with_usage=_wants_usage(body), alternatives=top
            )
            return streamed_reply(stream, headers)
        choices = collect(answer.events)
        return json_reply(render.chat_completion(head, choices, alternatives=top), 200, headers)

    def complete(self, request: Request) -> Reply:
        """POST /v1/completions."""
        body = decode(request.body, requests.CompletionBody)
        wanted = parse.completions(body)
        echoes = [self._echo(each, request) if body.echo else "" for each in wanted]
        answer = self._conversation.complete(wanted, request.caller)
        headers = _ignored(request.body, requests.CompletionBody, answer.ignored)
        head = self._head("cmpl", answer.model)
        n = body.n or 1
        if body.stream:
            stream = render_text.TextStream(
                head, answer.events, echoes, n, with_usage=_wants_usage(body)
            )
            return streamed_reply(stream, headers)
        choices = collect(answer.events)
        return json_reply(render_text.text_completion(head, choices, echoes, n), 200, headers)

    def embed(self, request: Request) -> Reply:
        """POST /v1/embeddings."""
        body = decode(request.body, requests.EmbeddingBody)
        headers = _ignored(request.body, requests.EmbeddingBody)
        wanted = parse.embeddings(body)
        model, found = self._conversation.embed(wanted, request.caller)
        rendered = render.embeddings(
            model,
            found.vectors,
            found.prompt_tokens,
            dimensions=wanted.dimensions,
            base64_format=body.encoding_format == "base64",
        )
        return json_reply(rendered, 200, headers)

    def models(self, request: Request) -> Reply:
        """GET /v1/models."""
        return json_reply(answers.ModelList([self._row(e) for e in self._registry.entries()]))

    def model(self, request: Request) -> Reply:
        """GET /v1/models/{id}."""
        return json_reply(self._row(self._registry.find(request.parameters["id"])))

    def _head(self, prefix: str, model: str) -> render.Head:
        id = f"{prefix}-{secrets.token_hex(16)}"
        return render.Head(id, int(self._clock()), model, f"luna-{__version__}")

    def _echo(self, wanted: CompletionRequest, request: Request) -> str:
        prompt: Prompt = wanted.prompt
        if isinstance(prompt, str):
            return prompt
        cancel = request.caller.cancel
        return self._conversation.detokenize(wanted.generation.model, prompt, cancel)

    def _row(self, entry: Entry) -> answers.ModelRow:
        states = {each.entry.id: each.engine.state for each in self._pool.loaded()}
        failure = entry.problem or self._registry.load_failure(entry)
        value = "failed" if failure else states.get(entry.id, "unloaded")
        aliases = [name for name, id in self._registry.aliases().items() if id == entry.id]
        return answers.ModelRow(
            id=entry.id,
            created=int(entry.changed),
            status=answers.ModelStatus(value, failure or UNSET),
            aliases=aliases,
            meta={
                "architecture": entry.architecture,
                "n_params": entry.parameters,
                "n_ctx_train": entry.context_length,
                "size": entry.size_bytes,
            },
        )


def routes(api: OpenAI) -> tuple[Route, ...]:
    """The table of this dialect."""
    chat = Operation(
        "The next turn of a conversation",
        "OpenAI",
        requests.ChatBody,
        answers.ChatCompletion,
        "Text in, text or tool calls out; with `stream` true as server-sent events. A client that "
        "closes the connection stops the generation. `luna_tools` true lets the server run the "
        "device's own tools.",
        event=answers.ChatChunk,
        statuses=_GENERATING,
        examples=examples.CHAT,
    )
    completion = Operation(
        "The continuation of a text",
        "OpenAI",
        requests.CompletionBody,
        answers.TextCompletion,
        "A prompt may be text, tokens, or several of either. With `suffix` the model fills in what "
        "stands between, if it was trained to.",
        event=answers.TextCompletion,
        statuses=_GENERATING,
        examples=examples.COMPLETION,
    )
    embedding = Operation(
        "Vectors for texts",
        "OpenAI",
        requests.EmbeddingBody,
        answers.Embeddings,
        "Mean-pooled, of length one.",
        statuses=_GENERATING,
        examples=examples.EMBEDDING,
    )
    models = Operation("All models, the default one first", "OpenAI", answer=answers.ModelList)
    model = Operation(
        "One model",
        "OpenAI",
        answer=answers.ModelRow,
        statuses=(404,),
        path=(Parameter("id", "The model's id or one of its aliases", example="luna-small"),),
    )
    return (
        Route("POST", "/v1/chat/completions", api.chat, chat),
        Route("POST", "/v1/", api.chat, chat),
        Route("POST", "/v1", api.chat, chat),
        Route("POST", "/v1/completions", api.complete, completion),
        Route("POST", "/v1/embeddings", api.embed, embedding),
        Route("GET", "/v1/models", api.models, models),
        Route("GET", "/v1/models/{id:path}", api.model, model),
    )


def _wants_usage(body: requests.SamplingBody) -> bool:
    return bool(body.stream_options and body.stream_options.include_usage)


def _ignored(
    body: bytes,
    kind: type[requests.SamplingBody] | type[requests.EmbeddingBody],
    by_engine: tuple[str, ...] = (),
) -> tuple[tuple[str, str], ...]:
    """The header that names the fields which had no effect."""
    return ignored_header((*unknown_fields(body, kind), *by_engine))
