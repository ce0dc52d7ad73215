"""GET /api/inference and what can be done with it: models that run under names of their own.

Shapes and statuses are those of Wingman's server, whose clients start and stop models by GET.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from appliance.domain.inference import Options, Task, Wish
from appliance.errors import BadRequest
from appliance.http.dialects.wingman.errors import WINGMAN, required
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Parameter, Route
from appliance.serving.inference import Inference

_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_LARGEST = 2**24
_LONGEST = 255


class WingmanItem(Struct, frozen=True):
    """A model that was started; times are seconds since the epoch."""

    alias: str
    status: Literal["queued", "preparing", "inferring", "complete", "error"]
    modelRepo: str
    filePath: str
    address: str
    port: int
    contextSize: int
    gpuLayers: int
    chatTemplate: str
    error: str
    created: int
    updated: int
    force: bool = False
    isa: Literal["WingmanItem"] = "WingmanItem"


class WingmanItems(Struct, frozen=True):
    """Every model that was started, or the one that was asked for."""

    WingmanItems: list[WingmanItem]


def wingman_item(task: Task) -> WingmanItem:
    """A task in Wingman's shape."""
    wish, options = task.wish, task.wish.options
    return WingmanItem(
        alias=wish.alias,
        status=task.state,
        modelRepo=wish.repo,
        filePath=wish.file,
        address=wish.address,
        port=wish.port,
        contextSize=options.context,
        gpuLayers=options.gpu_layers,
        chatTemplate=options.template,
        error=task.error,
        created=int(task.created),
        updated=int(task.updated),
    )


def wingman_items(tasks: Sequence[Task]) -> WingmanItems:
    """The answer of /api/inference, and the frame that tells of them."""
    return WingmanItems([wingman_item(task) for task in tasks])


class InferenceApi:
    """The handlers."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def list(self, request: Request) -> Reply:
        """GET /api/inference."""
        return json_reply(wingman_items(self._inference.tasks(request.query.get("alias", ""))))

    def status(self, request: Request) -> Reply:
        """GET /api/inference/status: the items alone."""
        tasks = self._inference.tasks(request.query.get("alias", ""))
        return json_reply(wingman_items(tasks).WingmanItems)

    def start(self, request: Request) -> Reply:
        """GET /api/inference/start."""
        task, new = self._inference.start(_wish(request))
        return json_reply(wingman_item(task), 202 if new else 208)

    def stop(self, request: Request) -> Reply:
        """GET /api/inference/stop."""
        return json_reply(wingman_item(self._inference.stop(required(request, "alias"))))

    def reset(self, request: Request) -> Reply:
        """GET /api/inference/reset."""
        return json_reply(wingman_item(self._inference.reset(required(request, "alias"))))


def routes(inference: Inference) -> tuple[Route, ...]:
    """The table."""
    api = InferenceApi(inference)
    alias = Parameter("alias", "The name it is to have, or was given")
    listing = Operation("Models that were started", "Wingman", answer=WingmanItems, query=(alias,))
    status = Operation(
        "Models that were started, as a bare list",
        "Wingman",
        answer=list[WingmanItem],
        query=(alias,),
    )
    start = Operation(
        "Start a model",
        "Wingman",
        answer=WingmanItem,
        description="It stays in memory until it is stopped, answers to its alias and to who names "
        "no model, and is started again with the server. Where there is no room, the one that was "
        "started longest ago is stopped.",
        accepted="It is being loaded; /api/inference/status tells how far it is",
        known="It runs already, or is on its way",
        statuses=(404, 422),
        query=(
            alias,
            Parameter("modelRepo", "The repository that it was downloaded from"),
            Parameter("filePath", "Its file there, or the name of a file in the models folder"),
            Parameter("contextSize", "Tokens for one request; 0 for what is configured", int),
            Parameter("gpuLayers", "Layers on a GPU, where there is one; -1 for all", int),
            Parameter("chatTemplate", "`chatml`, or a Jinja template; the model's own without it"),
            Parameter("address", "Repeated in answers", example="localhost"),
            Parameter("port", "Repeated in answers", int, example=6567),
        ),
    )
    stop = Operation(
        "Stop a model",
        "Wingman",
        answer=WingmanItem,
        description="What runs on it ends. The answer is the item as it was before.",
        statuses=(404, 422),
        query=(alias,),
    )
    reset = Operation(
        "Stop a model and forget the item",
        "Wingman",
        answer=WingmanItem,
        statuses=(404, 422),
        query=(alias,),
    )
    return (
        Route("GET", "/api/inference", api.list, listing, WINGMAN),
        Route("GET", "/api/inference/status", api.status, status, WINGMAN),
        Route("GET", "/api/inference/start", api.start, start, WINGMAN, "admin", changes=True),
        Route("GET", "/api/inference/stop", api.stop, stop, WINGMAN, "admin", changes=True),
        Route("GET", "/api/inference/reset", api.reset, reset, WINGMAN, "admin", changes=True),
    )


def _wish(request: Request) -> Wish:
    """What is asked for; raises MissingField or BadRequest."""
    alias, repo, file = (_word(request, name) for name in ("alias", "modelRepo", "filePath"))
    options = Options(
        context=_number(request, "contextSize", 0, 0),
        gpu_layers=_number(request, "gpuLayers", -1, -1),
        template=_template(request.query.get("chatTemplate", "")),
    )
    address = request.query.get("address") or "localhost"
    return Wish(alias, repo, file, options, address, _number(request, "port", 6567, 0, 65535))


def _word(request: Request, name: str) -> str:
    """A name that can stand in a list, a log and a terminal."""
    text = required(request, name)
    if len(text) > _LONGEST or not text.isprintable():
        raise BadRequest(
            f"'{name}' must be at most {_LONGEST} characters, without line breaks and the like.",
            param=name,
        )
    return text


def _number(request: Request, name: str, default: int, least: int, most: int = _LARGEST) -> int:
    text = request.query.get(name) or str(default)
    digits = text.removeprefix("-")
    number = int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None
    if number is None or not least <= number <= most:
        raise BadRequest(f"'{name}' must be a whole number from {least} to {most}.", param=name)
    return number


def _template(text: str) -> str:
    """A chat template by its name or its text; raises BadRequest for what is neither."""
    if text.strip().casefold() == "chatml":
        return _CHATML
    if text and "{%" not in text and "{{" not in text:
        raise BadRequest(
            f"There is no chat template '{text}': write chatml or a Jinja template, or leave it "
            "out for the model's own.",
            param="chatTemplate",
        )
    return text
