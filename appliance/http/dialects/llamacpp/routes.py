"""The routes of llama.cpp's API."""

from __future__ import annotations

from typing import Any, Literal

from appliance.http.dialects.llamacpp import answers, examples, requests
from appliance.http.dialects.llamacpp.asking import Asking
from appliance.http.dialects.llamacpp.errors import LLAMACPP
from appliance.http.dialects.llamacpp.generating import Generating
from appliance.http.dialects.openai import answers as openai_answers
from appliance.http.dialects.openai import requests as openai_requests
from appliance.http.dialects.openai.routes import OpenAI
from appliance.http.routes import Operation, Parameter, Route

_TAG = "llama.cpp"
_WORKING = (404, 501, 504)
_MODEL = Parameter("model", "A model; without it the default one", example="luna-small")
_SLOT = Parameter("id", "The number of a slot, from 0 on", int, example=0)
_ACTION = Parameter(
    "action", "What to do with its cache", Literal["save", "restore", "erase"], example="erase"
)
_FAIL = Parameter(
    "fail_on_no_slot", "With any value, 503 is the answer while every slot is busy", example="1"
)


def routes(working: Generating, asking: Asking, openai: OpenAI) -> tuple[Route, ...]:
    """The table of this dialect."""
    models = Operation("All models, as at /v1/models", _TAG, answer=openai_answers.ModelList)
    listed = Route("GET", "/models", openai.models, models, LLAMACPP)
    return (*_working(working, openai), *_asking(asking), listed)


def _working(api: Generating, openai: OpenAI) -> tuple[Route, ...]:
    completion = Operation(
        "The continuation of a text",
        _TAG,
        requests.CompletionBody,
        answers.CompletionAnswer | list[answers.CompletionAnswer],
        "A list of prompts gives a list of answers. The last event of a stream has `stop` true "
        "and is a whole `CompletionAnswer` without its content.",
        event=answers.CompletionChunk,
        framing="bare",
        statuses=_WORKING,
        examples=examples.COMPLETION,
    )
    either = Operation(
        "The continuation of a text, in llama.cpp's or OpenAI's shape",
        _TAG,
        requests.CompletionBody,
        dict[str, Any] | list[dict[str, Any]],
        "As /completion; a body that names a `model` and has no field of llama.cpp's own is "
        "answered as at /v1/completions.",
        event=dict[str, Any],
        framing="bare",
        statuses=_WORKING,
        examples=examples.COMPLETION,
    )
    infill = Operation(
        "What stands between two texts",
        _TAG,
        requests.InfillBody,
        answers.CompletionAnswer,
        "For models that were trained to fill in; others answer 501.",
        event=answers.CompletionChunk,
        framing="bare",
        statuses=_WORKING,
        examples=examples.INFILL,
    )
    chat = Operation(
        "The next turn of a conversation, as at /v1/chat/completions",
        _TAG,
        openai_requests.ChatBody,
        openai_answers.ChatCompletion,
        event=openai_answers.ChatChunk,
        statuses=_WORKING,
        examples=examples.CHAT,
    )
    embedding = Operation(
        "Vectors for texts, in llama.cpp's shape",
        _TAG,
        requests.EmbeddingBody,
        list[answers.PooledVector],
        "Mean-pooled, of length one.",
        statuses=_WORKING,
        examples=examples.EMBEDDING,
    )
    embeddings = Operation(
        "Vectors for texts, in llama.cpp's or OpenAI's shape",
        _TAG,
        requests.EmbeddingBody,
        dict[str, Any] | list[dict[str, Any]],
        "With `content` as at /embedding, with `input` as at /v1/embeddings.",
        statuses=_WORKING,
        examples=examples.EMBEDDING,
    )
    rerank = Operation(
        "The documents that answer a query best",
        _TAG,
        requests.RerankBody,
        dict[str, Any] | list[dict[str, Any]],
        "For models that were trained to rank; others answer 501. `texts` instead of `documents` "
        "gives a list of `index` and `score`, as TEI does.",
        statuses=_WORKING,
        examples=examples.RERANK,
    )
    return (
        Route("POST", "/completion", api.completion, completion, LLAMACPP),
        Route("POST", "/completions", api.completions, either, LLAMACPP),
        Route("POST", "/infill", api.infill, infill, LLAMACPP),
        Route("POST", "/chat/completions", openai.chat, chat, LLAMACPP),
        Route("POST", "/embedding", api.embedding, embedding, LLAMACPP),
        Route("POST", "/embeddings", api.embeddings, embeddings, LLAMACPP),
        Route("POST", "/rerank", api.rerank, rerank, LLAMACPP),
        Route("POST", "/reranking", api.rerank, rerank, LLAMACPP),
        Route("POST", "/v1/rerank", api.rerank, rerank, LLAMACPP),
        Route("POST", "/v1/reranking", api.rerank, rerank, LLAMACPP),
    )


def _asking(api: Asking) -> tuple[Route, ...]:
    tokenize = Operation(
        "The tokens of a text",
        _TAG,
        requests.TokenizeBody,
        answers.Tokens,
        statuses=_WORKING,
        examples=examples.TOKENIZE,
    )
    detokenize = Operation(
        "The text of tokens",
        _TAG,
        requests.DetokenizeBody,
        answers.Detokenized,
        statuses=_WORKING,
        examples=examples.DETOKENIZE,
    )
    template = Operation(
        "The prompt that a conversation becomes",
        _TAG,
        requests.TemplateBody,
        answers.Rendered,
        "Nothing is generated.",
        statuses=_WORKING,
        examples=examples.TEMPLATE,
    )
    props = Operation(
        "Properties of the server and a model",
        _TAG,
        answer=answers.Props,
        statuses=_WORKING,
        query=(_MODEL,),
    )
    change = Operation("Properties cannot be changed", _TAG, statuses=(501,))
    slots = Operation(
        "What each slot works on or worked on last",
        _TAG,
        answer=list[dict[str, Any]],
        description="What was said is never shown.",
        statuses=(404, 501),
        query=(_MODEL, _FAIL),
    )
    act = Operation(
        "Save, restore or erase a slot's cache",
        _TAG,
        requests.SlotBody,
        dict[str, Any],
        "Files are in a folder of their own for each model; the oldest go when there are too many.",
        body_required=False,
        statuses=_WORKING,
        path=(_SLOT,),
        query=(_ACTION, _MODEL),
        examples=examples.SLOT,
    )
    adapters = Operation("The LoRA adapters, of which there are none", _TAG, answer=list[Any])
    mix = Operation(
        "Mix LoRA adapters in",
        _TAG,
        requests.Adapters,
        answers.Done,
        statuses=(501,),
        examples=examples.ADAPTERS,
    )
    return (
        Route("POST", "/tokenize", api.tokenize, tokenize, LLAMACPP),
        Route("POST", "/detokenize", api.detokenize, detokenize, LLAMACPP),
        Route("POST", "/apply-template", api.apply_template, template, LLAMACPP),
        Route("GET", "/props", api.props, props, LLAMACPP),
        Route("POST", "/props", api.change_props, change, LLAMACPP),
        Route("GET", "/slots", api.slots, slots, LLAMACPP),
        Route("POST", "/slots/{id}", api.act, act, LLAMACPP, changes=True),
        Route("GET", "/lora-adapters", api.adapters, adapters, LLAMACPP),
        Route("POST", "/lora-adapters", api.mix_adapters, mix, LLAMACPP),
    )
