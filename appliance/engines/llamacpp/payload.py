"""Our requests as llama.cpp's JSON (tools/server/README.md of llama.cpp names the fields)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    ResponseFormat,
)
from appliance.domain.sampling import Sampling
from appliance.engines.llamacpp import gbnf
from appliance.engines.messages import message_json, tool_json

_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "typical_p": "typical_p",
    "repeat_penalty": "repeat_penalty",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
}


def chat(request: ChatRequest, defaults: Sampling, grammar: str = "") -> dict[str, Any]:
    """The body for /v1/chat/completions, always streaming: only a stream can be cancelled.

    A `grammar` stands for the form of the answer.
    """
    body = _common(request.generation, defaults)
    body["messages"] = [message_json(message) for message in request.messages]
    body["stream_options"] = {"include_usage": True}
    body["reasoning_format"] = "none" if request.reasoning_in_content else "auto"
    if request.generation.max_tokens is not None:
        body["max_tokens"] = request.generation.max_tokens
    if request.generation.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.generation.logprobs}
    if request.generation.stop:
        body["verbose"] = True  # the last chunk tells which of them it was
    if request.thinking is not None:
        body["chat_template_kwargs"] = {"enable_thinking": request.thinking}
    if request.response_format.kind != "text":
        if grammar:
            body["grammar"] = grammar
        else:
            body["response_format"] = _response_format(request.response_format)
        body["timings_per_token"] = True  # an answer that is cut may come without its counts
    return body | _tools(request)


def completion(request: CompletionRequest, defaults: Sampling) -> dict[str, Any]:
    """The body for /completion, or for /infill when there is a suffix."""
    prompt = request.prompt if isinstance(request.prompt, str) else list(request.prompt)
    body = text(request.generation, defaults)
    if request.suffix is None:
        return body | {"prompt": prompt}
    return body | {"input_prefix": prompt, "input_suffix": request.suffix}


def text(generation: Generation, defaults: Sampling) -> dict[str, Any]:
    """What every body for /completion has beside its prompt."""
    body = _common(generation, defaults)
    if generation.max_tokens is not None:
        body["n_predict"] = generation.max_tokens
    if generation.logprobs is not None:
        # llama.cpp gives no logprobs at all for 0 alternatives.
        body["n_probs"] = max(1, generation.logprobs)
    return body


def _common(generation: Generation, defaults: Sampling) -> dict[str, Any]:
    sampling = generation.sampling.over(defaults)
    body: dict[str, Any] = {"stream": True, "return_progress": True, "cache_prompt": True}
    for ours, theirs in _SAMPLING.items():
        if (value := getattr(sampling, ours)) is not None:
            body[theirs] = value
    if generation.stop:
        body["stop"] = list(generation.stop)
    if sampling.logit_bias:
        body["logit_bias"] = [[token, bias] for token, bias in sampling.logit_bias]
    if sampling.ignore_eos:
        body["ignore_eos"] = True
    body |= generation.options
    if isinstance(schema := body.get("json_schema"), Mapping):
        body["json_schema"] = gbnf.plain(schema)
    return body


def _tools(request: ChatRequest) -> dict[str, Any]:
    if not (tools := request.offered):
        return {}
    return {
        "tools": [tool_json(tool) for tool in tools],
        "tool_choice": request.tool_choice.mode,
        "parallel_tool_calls": request.parallel_tool_calls,
    }


def _response_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    schema = gbnf.plain(wanted.schema or {})
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
