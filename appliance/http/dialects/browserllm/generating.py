"""The handler of Browser LLM's API that asks a model."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance.http.bodies import decode, unknown_fields
from appliance.http.dialects.browserllm import frame, parse
from appliance.http.dialects.browserllm.choice import Choice
from appliance.http.dialects.browserllm.render import ChunkStream, whole
from appliance.http.dialects.browserllm.requests import BrowserLlmGenerateBody
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.stopwatch import Stopwatch
from appliance.http.streamed import streamed_reply
from appliance.serving.answer import Answer, Caller
from appliance.serving.conversation import Conversation


class Generating:
    """`choice` is the model for those who name none; `clock` gives Unix seconds."""

    def __init__(
        self,
        conversation: Conversation,
        choice: Choice,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._conversation = conversation
        self._choice = choice
        self._clock = clock

    def generate(self, request: Request) -> Reply:
        """POST /api/v1/generate."""
        watch = Stopwatch()
        body = decode(request.body, BrowserLlmGenerateBody)
        unknown = unknown_fields(request.body, BrowserLlmGenerateBody)
        answer = self.begin(body, request.caller)
        headers = ignored_header((*unknown, *answer.ignored))
        if body.stream:
            stream = ChunkStream(answer.events, watch)
            return streamed_reply(stream, headers)
        told = whole(answer.events, watch)
        framed = frame.success(told, request.caller.request_id, self._clock())
        return json_reply(framed, headers=headers)

    def begin(self, body: BrowserLlmGenerateBody, caller: Caller) -> Answer:
        """The answer to a body, whoever carries it."""
        return self._conversation.chat(parse.generate(body, self._choice.name()), caller)
