"""Browser LLM's bodies as requests of the domain."""

from __future__ import annotations

from appliance.domain.messages import Message, Role
from appliance.domain.requests import ChatRequest, Generation, ResponseFormat
from appliance.domain.sampling import Sampling
from appliance.http.dialects.browserllm.requests import BrowserLlmGenerateBody


def generate(body: BrowserLlmGenerateBody, model: str) -> ChatRequest:
    """The prompt as the user's turn; `model` answers unless the body names another."""
    sampling = Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
    )
    generation = Generation(
        model=body.model or model,
        max_tokens=body.max_tokens,
        stop=tuple(text for text in body.stop or () if text),
        sampling=sampling,
    )
    return ChatRequest(
        generation, (Message(Role.USER, body.prompt),), response_format=_format(body)
    )


def _format(body: BrowserLlmGenerateBody) -> ResponseFormat:
    if body.json_schema is not None:
        return ResponseFormat("json_schema", body.json_schema)
    return ResponseFormat("json_object") if body.json_mode else ResponseFormat()
