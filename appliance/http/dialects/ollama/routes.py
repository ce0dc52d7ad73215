"""The routes of Ollama's API."""

from __future__ import annotations

from appliance.http.dialects.ollama import answers, examples, requests
from appliance.http.dialects.ollama.asking import Asking
from appliance.http.dialects.ollama.errors import OLLAMA
from appliance.http.dialects.ollama.library import Library
from appliance.http.dialects.ollama.pulling import Pulling
from appliance.http.routes import Operation, Route

_TAG = "Ollama"
_GENERATING = (404, 504)


def routes(asking: Asking, library: Library, pulling: Pulling) -> tuple[Route, ...]:
    """The table of this dialect."""
    version = Operation(
        "The release of Ollama whose API this is", _TAG, answer=answers.OllamaVersion
    )
    tags = Operation("All models that can be used", _TAG, answer=answers.OllamaTags)
    processes = Operation("All models in memory", _TAG, answer=answers.OllamaProcesses)
    show = Operation(
        "Everything about a model",
        _TAG,
        requests.OllamaNameBody,
        answers.OllamaShown,
        statuses=(404,),
        examples=examples.NAME,
    )
    chat = Operation(
        "The next turn of a conversation",
        _TAG,
        requests.OllamaChatBody,
        answers.OllamaChatAnswer,
        "Lines of JSON unless `stream` is false. A tool call is told whole, its arguments as an "
        "object. Without messages the model is loaded, or with `keep_alive` 0 unloaded.",
        event=answers.OllamaChatAnswer,
        framing="lines",
        statuses=_GENERATING,
        examples=examples.CHAT,
    )
    generate = Operation(
        "An answer to a prompt",
        _TAG,
        requests.OllamaGenerateBody,
        answers.OllamaGenerateAnswer,
        "The prompt is the user's turn, or with `raw` a text as it is. With `suffix` the model "
        "fills in what stands between, if it was trained to.",
        event=answers.OllamaGenerateAnswer,
        framing="lines",
        statuses=_GENERATING,
        examples=examples.GENERATE,
    )
    embed = Operation(
        "Vectors for texts",
        _TAG,
        requests.OllamaEmbedBody,
        answers.OllamaEmbeddings,
        "Mean-pooled, of length one.",
        statuses=_GENERATING,
        examples=examples.EMBED,
    )
    embeddings = Operation(
        "A vector for a text",
        _TAG,
        requests.OllamaEmbeddingsBody,
        answers.OllamaEmbedding,
        "The older form of the other.",
        statuses=_GENERATING,
        examples=examples.EMBEDDINGS,
    )
    pull = Operation(
        "Fetch a model",
        _TAG,
        requests.OllamaPullBody,
        answers.OllamaStatus,
        "Models come from a hub by names like `hf.co/owner/repository:Q4_K_M`; without a "
        "quantisation the best one that fits. A client that leaves does not end the download.",
        event=answers.OllamaStatus,
        framing="lines",
        statuses=(404, 502, 507),
        examples=examples.PULL,
    )
    delete = Operation(
        "Delete a model",
        _TAG,
        requests.OllamaNameBody,
        description="From the device itself only.",
        statuses=(403, 404),
        examples=examples.DELETE,
    )
    copy = Operation(
        "Give a model a second name",
        _TAG,
        requests.OllamaCopyBody,
        description="From the device itself only. Both share their bytes on the disk.",
        statuses=(403, 404),
        examples=examples.COPY,
    )
    return (
        Route("GET", "/api/version", library.version, version, OLLAMA),
        Route("GET", "/api/tags", library.tags, tags, OLLAMA),
        Route("GET", "/api/ps", library.processes, processes, OLLAMA),
        Route("POST", "/api/show", library.show, show, OLLAMA),
        Route("POST", "/api/chat", asking.chat, chat, OLLAMA),
        Route("POST", "/api/generate", asking.generate, generate, OLLAMA),
        Route("POST", "/api/embed", asking.embed, embed, OLLAMA),
        Route("POST", "/api/embeddings", asking.embeddings, embeddings, OLLAMA),
        Route("POST", "/api/pull", pulling.pull, pull, OLLAMA, "admin", changes=True),
        Route("DELETE", "/api/delete", library.delete, delete, OLLAMA, "admin", changes=True),
        Route("POST", "/api/copy", library.copy, copy, OLLAMA, "admin", changes=True),
    )
