"""The routes of Anthropic's API."""

from __future__ import annotations

import secrets

from appliance.http.bodies import decode, unknown_fields
from appliance.http.dialects.anthropic import answers, examples, parse, render, requests
from appliance.http.dialects.anthropic.errors import ANTHROPIC
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.routes import Operation, Route
from appliance.http.streamed import streamed_reply
from appliance.serving.conversation import Conversation


class Anthropic:
    """Handlers."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def messages(self, request: Request) -> Reply:
        """POST /v1/messages."""
        body = decode(request.body, requests.AnthropicBody)
        ignored = unknown_fields(request.body, requests.AnthropicBody)
        answer = self._conversation.chat(parse.chat(body), request.caller)
        id = request.caller.request_id
        headers = (("request-id", id), *ignored_header((*ignored, *answer.ignored)))
        head = render.Head(f"msg_{secrets.token_hex(12)}", answer.model, id)
        if body.stream:
            stream = render.MessageStream(head, answer.events)
            return streamed_reply(stream, headers)
        return json_reply(render.message(head, answer.events), headers=headers)

    def count(self, request: Request) -> Reply:
        """POST /v1/messages/count_tokens."""
        body = decode(request.body, requests.AnthropicCountBody)
        ignored = unknown_fields(request.body, requests.AnthropicCountBody)
        found = self._conversation.count_tokens(parse.chat(body), request.caller.cancel)
        headers = (("request-id", request.caller.request_id), *ignored_header(ignored))
        return json_reply(answers.AnthropicTokens(found), headers=headers)


def routes(api: Anthropic) -> tuple[Route, ...]:
    """The table of this dialect."""
    messages = Operation(
        "The next turn of a conversation",
        "Anthropic",
        requests.AnthropicBody,
        answers.AnthropicMessage,
        "Text in, text or tool calls out; with `stream` true as events, which bear their type as "
        "their name. The model thinks first if `thinking` asks for it.",
        event=answers.AnthropicEvent,
        framing="named",
        statuses=(404, 504),
        examples=examples.MESSAGES,
    )
    count = Operation(
        "How many tokens the prompt would have",
        "Anthropic",
        requests.AnthropicCountBody,
        answers.AnthropicTokens,
        statuses=(404, 504),
        examples=examples.COUNT,
    )
    return (
        Route("POST", "/v1/messages", api.messages, messages, ANTHROPIC),
        Route("POST", "/v1/messages/count_tokens", api.count, count, ANTHROPIC),
    )
