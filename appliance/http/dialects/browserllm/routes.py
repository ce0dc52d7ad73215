"""The routes of Browser LLM's API."""

from __future__ import annotations

from appliance.http.dialects.browserllm import answers, examples, requests
from appliance.http.dialects.browserllm.debug import Debug
from appliance.http.dialects.browserllm.errors import BROWSER_LLM
from appliance.http.dialects.browserllm.generating import Generating
from appliance.http.dialects.browserllm.models import Models
from appliance.http.dialects.browserllm.status import Status
from appliance.http.routes import Operation, Parameter, Route
from appliance.observe.logbook import LEVELS
from appliance.observe.profile import METRICS

_TAG = "Browser LLM"


def routes(
    generating: Generating, models: Models, status: Status, debug: Debug
) -> tuple[Route, ...]:
    """The table of this dialect."""
    return (*_about_models(generating, models), *_about_the_device(status, debug))


def _about_models(generating: Generating, models: Models) -> tuple[Route, ...]:
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
    listed = Operation(
        "All models that can be used, the default one first",
        _TAG,
        answer=answers.BrowserLlmSuccess[answers.BrowserLlmModels],
    )
    id = Parameter("id", "The model's id or one of its aliases", example="luna-small")
    details = Operation(
        "Everything about a model",
        _TAG,
        answer=answers.BrowserLlmSuccess[answers.BrowserLlmModelDetails],
        statuses=(404,),
        path=(id,),
    )
    load = Operation(
        "Load a model",
        _TAG,
        answer=answers.BrowserLlmSuccess[answers.BrowserLlmLoading],
        description="From then on it answers whoever names no model. Ask again to see how far "
        "it is.",
        accepted="The model is being loaded; ask again",
        statuses=(404,),
        path=(id,),
    )
    return (
        Route(
            "POST", "/api/v1/generate", generating.generate, generate, BROWSER_LLM, rate="generate"
        ),
        Route("GET", "/api/v1/models", models.models, listed, BROWSER_LLM, rate="browser"),
        Route(
            "GET", "/api/v1/models/{id:path}", models.model, details, BROWSER_LLM, rate="browser"
        ),
        Route(
            "POST", "/api/v1/models/{id:path}/load", models.load, load, BROWSER_LLM, rate="browser"
        ),
    )


def _about_the_device(status: Status, debug: Debug) -> tuple[Route, ...]:
    state = Operation(
        "State and health", _TAG, answer=answers.BrowserLlmSuccess[answers.BrowserLlmStatus]
    )
    since = Parameter("since", "Unix seconds: only what came then or later", float)
    logs = Operation(
        "The newest lines of the log",
        _TAG,
        answer=answers.BrowserLlmSuccess[answers.BrowserLlmLogs],
        description="The last ones are kept in memory, without secrets.",
        query=(
            Parameter(
                "level", f"{', '.join(LEVELS)}, or several with commas", example="warn,error"
            ),
            since,
            Parameter("limit", "How many at the most, 1 to 1000; 100 if nothing is said", int),
        ),
    )
    profile = Operation(
        "How fast and how steady the runs of late were",
        _TAG,
        answer=answers.BrowserLlmSuccess[answers.BrowserLlmProfile],
        description="Of every API; the last 1000 values of each series are kept.",
        query=(since, Parameter("metric", f"One of {', '.join(METRICS)}", example="latency_ms")),
    )
    return (
        Route("GET", "/api/v1/status", status.status, state, BROWSER_LLM, rate="status"),
        Route("GET", "/api/v1/debug/logs", debug.logs, logs, BROWSER_LLM, rate="browser"),
        Route("GET", "/api/v1/debug/profile", debug.profile, profile, BROWSER_LLM, rate="browser"),
    )
