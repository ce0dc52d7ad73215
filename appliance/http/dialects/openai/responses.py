"""The route of the Responses API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from appliance.http.bodies import decode, unknown_fields
from appliance.http.dialects.openai import examples, responses_parse, responses_render
from appliance.http.dialects.openai.responses_answers import ResponsesAnswer
from appliance.http.dialects.openai.responses_events import AnyEvent
from appliance.http.dialects.openai.responses_requests import ResponsesBody
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.routes import Operation, Route
from appliance.serving.conversation import Conversation

_EVENT_STREAM = "text/event-stream; charset=utf-8"
_STREAM_HEADERS = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))


class Responses:
    """Handlers; `clock` is in seconds since the epoch."""

    def __init__(self, conversation: Conversation, clock: Callable[[], float] = time.time) -> None:
        self._conversation = conversation
        self._clock = clock

    def create(self, request: Request) -> Reply:
        """POST /v1/responses."""
        body = decode(request.body, ResponsesBody)
        ignored = [*unknown_fields(request.body, ResponsesBody), *(["store"] if body.store else [])]
        wanted = responses_parse.chat(body)
        forgetful = body.truncation == "auto"
        answer = self._conversation.chat(wanted, request.caller, forgetful=forgetful)
        headers = ignored_header((*ignored, *answer.ignored))
        token = secrets.token_hex(16)
        head = responses_render.Head(token, self._clock(), answer.model, body, self._clock)
        if body.stream:
            stream = responses_render.ResponseStream(head, answer.events)
            return Reply(stream, content_type=_EVENT_STREAM, headers=(*_STREAM_HEADERS, *headers))
        return json_reply(responses_render.response(head, answer.events), headers=headers)


def routes(api: Responses) -> tuple[Route, ...]:
    """The table of this API."""
    create = Operation(
        "The next turn of a conversation, the newer way",
        "OpenAI",
        ResponsesBody,
        ResponsesAnswer,
        "Messages, function calls and their outputs in, the same out; with `stream` true as "
        "events with names and numbers. Responses are not kept yet.",
        event=AnyEvent,
        framing="named",
        statuses=(404, 504),
        examples=examples.RESPONSES,
    )
    return (Route("POST", "/v1/responses", api.create, create),)
