"""Handlers of llama.cpp's API that make a model work: completion, infill, vectors, ranking."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from appliance.domain.requests import CompletionRequest, EmbeddingRequest
from appliance.errors import BadRequest, MissingField
from appliance.http.bodies import decode, unknown_fields
from appliance.http.collected import collect
from appliance.http.dialects.llamacpp import answers, parse, render, requests
from appliance.http.dialects.openai.routes import OpenAI
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.streamed import streamed_reply
from appliance.serving.conversation import Conversation

_SHARED = frozenset(
    "model prompt max_tokens stream stop temperature top_k top_p min_p repeat_penalty"
    " presence_penalty frequency_penalty seed ignore_eos logit_bias".split()
)


class Generating:
    """`openai` answers where a request on a shared path is in OpenAI's words."""

    def __init__(self, conversation: Conversation, openai: OpenAI) -> None:
        self._conversation = conversation
        self._openai = openai

    def completion(self, request: Request) -> Reply:
        """POST /completion."""
        body = decode(request.body, requests.CompletionBody)
        wanted = parse.completions(body, partial(self._tokenize, body, request))
        single = isinstance(body.prompt, str | requests.PromptObject) or any(
            isinstance(part, int) for part in body.prompt
        )
        return self._complete(body, wanted, request, single=single)

    def completions(self, request: Request) -> Reply:
        """POST /completions: who names a model and nothing of llama.cpp's speaks OpenAI's API."""
        sent = decode(request.body, dict[str, msgspec.Raw])
        own = {field.name for field in msgspec.structs.fields(requests.CompletionBody)} - _SHARED
        if "model" in sent and not own & sent.keys():
            return self._openai.complete(request)
        return self.completion(request)

    def infill(self, request: Request) -> Reply:
        """POST /infill."""
        body = decode(request.body, requests.InfillBody)
        return self._complete(body, (parse.infill(body),), request, single=True)

    def embedding(self, request: Request) -> Reply:
        """POST /embedding: each input's vector, in llama.cpp's shape."""
        body = decode(request.body, requests.EmbeddingBody)
        name, wanted = ("input", body.input) if body.content is None else ("content", body.content)
        if wanted is None:
            raise MissingField("Missing required field 'content' (or 'input').", param="content")
        inputs = parse.prompts(wanted, name, partial(self._tokenize, body, request))
        if not all(inputs):
            raise BadRequest(f"A text in '{name}' must not be empty.", param=name)
        _, found = self._conversation.embed(
            EmbeddingRequest(body.model or "", inputs), request.caller
        )
        rows = [answers.PooledVector(i, [list(each)]) for i, each in enumerate(found.vectors)]
        return json_reply(rows, 200, _ignored(request, requests.EmbeddingBody))

    def embeddings(self, request: Request) -> Reply:
        """POST /embeddings: `content` is llama.cpp's word for it, `input` is OpenAI's."""
        sent = decode(request.body, dict[str, msgspec.Raw])
        return self.embedding(request) if "content" in sent else self._openai.embed(request)

    def rerank(self, request: Request) -> Reply:
        """POST /rerank: the best documents first."""
        body = decode(request.body, requests.RerankBody)
        documents = body.texts if body.documents is None else body.documents
        if documents is None:
            raise MissingField("Missing required field 'documents'.", param="documents")
        model, ranking = self._conversation.rerank(
            body.model or "", body.query, tuple(documents), request.caller
        )
        order = sorted(range(len(documents)), key=lambda i: -ranking.scores[i])[: body.top_n]
        headers = _ignored(request, requests.RerankBody)
        if body.documents is None:
            rows: list[dict[str, Any]] = [{"index": i, "score": ranking.scores[i]} for i in order]
            if body.return_text:
                rows = [row | {"text": documents[row["index"]]} for row in rows]
            return json_reply(rows, 200, headers)
        usage = answers.RankUsage(ranking.prompt_tokens, ranking.prompt_tokens)
        results = [answers.Ranked(i, ranking.scores[i]) for i in order]
        return json_reply(answers.Reranked(model, results, usage), 200, headers)

    def _complete(
        self,
        body: requests.GenerationBody,
        wanted: Sequence[CompletionRequest],
        request: Request,
        *,
        single: bool,
    ) -> Reply:
        answer = self._conversation.complete(wanted, request.caller)
        headers = _ignored(request, type(body), answer.ignored)
        form = render.Form.of(body, answer.model)
        if body.stream:
            stream = render.CompletionStream(form, answer.events)
            return streamed_reply(stream, headers)
        choices = collect(answer.events)
        whole = [render.completion(form, index, each) for index, each in choices.items()]
        return json_reply(whole[0] if single else whole, 200, headers)

    def _tokenize(
        self,
        body: requests.CompletionBody | requests.EmbeddingBody,
        request: Request,
        text: str,
    ) -> tuple[int, ...]:
        with self._conversation.model(body.model or "") as loaded:
            return loaded.engine.tokenize(text, request.caller.cancel)


def _ignored(
    request: Request, kind: type[msgspec.Struct], by_engine: tuple[str, ...] = ()
) -> tuple[tuple[str, str], ...]:
    return ignored_header((*unknown_fields(request.body, kind), *by_engine))
