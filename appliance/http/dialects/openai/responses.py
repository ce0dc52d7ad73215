"""The route of the Responses API."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

import msgspec

from appliance.domain.keys import Keyring
from appliance.errors import StorageFailed
from appliance.http.bodies import decode, unknown_fields
from appliance.http.dialects.openai import (
    examples,
    responses_items,
    responses_kept,
    responses_parse,
    responses_render,
)
from appliance.http.dialects.openai.responses_answers import ResponsesAnswer
from appliance.http.dialects.openai.responses_events import AnyEvent
from appliance.http.dialects.openai.responses_kept import Owners, not_kept
from appliance.http.dialects.openai.responses_requests import ResponsesBody, ResponsesItem
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.ignored import ignored_header
from appliance.http.routes import Operation, Route
from appliance.http.streamed import streamed_reply
from appliance.serving.conversation import Conversation
from appliance.store.responses import KeptResponse, KeptResponses

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Responses:
    """Handlers; `clock` is in seconds since the epoch."""

    def __init__(
        self,
        conversation: Conversation,
        kept: KeptResponses,
        owners: Owners,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._conversation = conversation
        self._kept = kept
        self._owners = owners
        self._clock = clock

    def create(self, request: Request) -> Reply:
        """POST /v1/responses."""
        body = decode(request.body, ResponsesBody)
        keeps = body.store is not False and self._kept.any
        forgotten = ["store"] if body.store and not keeps else []
        ignored = [*unknown_fields(request.body, ResponsesBody), *forgotten]
        owner = self._owners.of(request)
        wanted = responses_parse.chat(body, self._earlier(body.previous_response_id, owner))
        forgetful = body.truncation == "auto"
        answer = self._conversation.chat(wanted, request.caller, forgetful=forgetful)
        headers = ignored_header((*ignored, *answer.ignored))
        token, now = secrets.token_hex(16), self._clock()

        def keep(whole: ResponsesAnswer) -> bool:
            sent = responses_items.written(body.input, token)
            previous = body.previous_response_id
            return self._keep(KeptResponse(whole.id, previous, owner, now, sent, _encode(whole)))

        head = responses_render.Head(
            token, now, answer.model, body, self._clock, keep if keeps else None
        )
        if body.stream:
            stream = responses_render.ResponseStream(head, answer.events)
            return streamed_reply(stream, headers)
        return json_reply(responses_render.response(head, answer.events), headers=headers)

    def _earlier(self, id: str | None, owner: str) -> tuple[ResponsesItem, ...]:
        if id is None:
            return ()
        turns = self._kept.turns(id, owner)
        if not turns:
            raise not_kept(id, "previous_response_id")
        return tuple(responses_items.conversation(turns))

    def _keep(self, response: KeptResponse) -> bool:
        """Whether it is kept: a full disk is no reason to withhold the answer."""
        try:
            return self._kept.keep(response)
        except StorageFailed as problem:
            _log.warning("%s is not kept: %s", response.id, problem)
            return False


def routes(
    conversation: Conversation, kept: KeptResponses, ring: Callable[[], Keyring]
) -> tuple[Route, ...]:
    """The table of this API; the `ring` of the moment tells whose a response is."""
    owners = Owners(ring)
    api = Responses(conversation, kept, owners)
    create = Operation(
        "The next turn of a conversation, the newer way",
        "OpenAI",
        ResponsesBody,
        ResponsesAnswer,
        "Messages, function calls and their outputs in, the same out; with `stream` true as "
        "events with names and numbers. The response is kept, unless `store` is false, and "
        "`previous_response_id` goes on from it; where there was no room for it the answer says "
        "`store` false.",
        event=AnyEvent,
        framing="named",
        statuses=(404, 504),
        examples=examples.RESPONSES,
    )
    return (
        Route("POST", "/v1/responses", api.create, create),
        *responses_kept.routes(responses_kept.Kept(kept, owners)),
    )
