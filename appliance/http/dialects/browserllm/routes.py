"""The routes of Browser LLM's API."""

from __future__ import annotations

from appliance.http.dialects.browserllm import answers, examples, requests
from appliance.http.dialects.browserllm.errors import BROWSER_LLM
from appliance.http.dialects.browserllm.generating import Generating
from appliance.http.routes import Operation, Route

_TAG = "Browser LLM"


def routes(generating: Generating) -> tuple[Route, ...]:
    """The table of this dialect."""
    generate = Operation(
        "An answer to a prompt",
        _TAG,
        requests.BrowserLlmGenerateBody,
        answers.BrowserLlmSuccess[answers.BrowserLlmGenerated],
        "The prompt is the user's turn. With `stream` true as server-sent events: a `token` for "
        "each piece, then `done` with the whole answer, or `error`.",
        event=answers.BrowserLlmChunk,
        framing="bare",
        statuses=(404, 504),
        examples=examples.GENERATE,
    )
    return (Route("POST", "/api/v1/generate", generating.generate, generate, BROWSER_LLM),)
