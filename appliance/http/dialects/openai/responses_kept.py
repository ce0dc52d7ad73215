"""Handlers for responses that are kept: reading, listing and deleting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import msgspec

from appliance.domain.keys import Keyring
from appliance.errors import BadRequest, NotFound, Unsupported
from appliance.http.access_keys import presented
from appliance.http.dialects.openai import responses_answers as answers
from appliance.http.dialects.openai import responses_items as items
from appliance.http.dialects.openai.responses_requests import ResponsesItem
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.rights import require_administration
from appliance.http.routes import Operation, Parameter, Route
from appliance.store.responses import KeptResponse, KeptResponses

Row = TypeVar("Row", answers.ResponsesAnswer, ResponsesItem)
_PAGE, _LONGEST_PAGE = 20, 100
_decode = msgspec.json.Decoder(answers.ResponsesAnswer).decode


class Owners:
    """Tells whose responses a request may read, from the `ring` of the moment."""

    def __init__(self, ring: Callable[[], Keyring]) -> None:
        self._ring = ring

    def of(self, request: Request) -> str:
        """What stands for the caller's key, "" for none."""
        shown = presented(request.headers)
        found = (self._ring().find(secret) for secret in shown)
        return next((key.digest.hex() for key in found if key is not None), "")


class Kept:
    """Handlers."""

    def __init__(self, responses: KeptResponses, owners: Owners) -> None:
        self._responses = responses
        self._owners = owners

    def list(self, request: Request) -> Reply:
        """GET /v1/responses: a key's own; those that no key made are for administrators."""
        owner = self._owners.of(request)
        if not owner:
            require_administration(request)
        limit, oldest_first = _limit(request), _oldest_first(request)
        after = request.query.get("after")
        rows = self._responses.page(owner, limit + 1, after, oldest_first=oldest_first)
        found = [_decode(row.answer) for row in rows[:limit]]
        return json_reply(answers.ResponsesPage(found, *_ends(found), len(rows) > limit))

    def retrieve(self, request: Request) -> Reply:
        """GET /v1/responses/{id}: the answer as it was given."""
        if request.query.get("stream") == "true":
            raise Unsupported(
                "Only a response that is being written can be streamed; leave 'stream' out.",
                param="stream",
            )
        return Reply(self._find(request).answer)

    def input_items(self, request: Request) -> Reply:
        """GET /v1/responses/{id}/input_items: all that the model read, earlier turns too."""
        kept = self._find(request)
        turns = self._responses.turns(kept.id, self._owners.of(request))
        found = items.answered(turns or [kept])
        if not _oldest_first(request):
            found.reverse()
        rest = _behind(found, request.query.get("after"))
        page = list(rest[: _limit(request)])
        return json_reply(answers.ResponsesItemPage(page, *_ends(page), len(rest) > len(page)))

    def delete(self, request: Request) -> Reply:
        """DELETE /v1/responses/{id}; nothing can go on from it any more."""
        id = request.parameters["id"]
        if not self._responses.delete(id, self._owners.of(request)):
            raise not_kept(id)
        return json_reply(answers.ResponsesDeleted(id))

    def _find(self, request: Request) -> KeptResponse:
        id = request.parameters["id"]
        found = self._responses.find(id, self._owners.of(request))
        if found is None:
            raise not_kept(id)
        return found


def not_kept(id: str, param: str | None = None) -> NotFound:
    """The error for a response that is not there, or not for this caller."""
    return NotFound(
        f"There is no response '{id[:100]}': it was never kept, was deleted, or made room for "
        "newer ones.",
        param=param,
    )


def _limit(request: Request) -> int:
    text = request.query.get("limit", str(_PAGE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _LONGEST_PAGE:
        raise BadRequest(f"'limit' must be a number from 1 to {_LONGEST_PAGE}.", param="limit")
    return int(text)


def _oldest_first(request: Request) -> bool:
    order = request.query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise BadRequest('\'order\' must be "asc" or "desc".', param="order")
    return order == "asc"


def _behind(found: Sequence[ResponsesItem], after: str | None) -> Sequence[ResponsesItem]:
    places = [place for place, item in enumerate(found) if item.id == after]
    return found[places[0] + 1 :] if places else found


def _ends(rows: Sequence[Row]) -> tuple[str | None, str | None]:
    return (rows[0].id, rows[-1].id) if rows else (None, None)


def routes(api: Kept) -> tuple[Route, ...]:
    """The table of these routes."""
    id = (Parameter("id", "The response's id", example="resp_5f0c"),)
    page = (
        Parameter("limit", "How many, up to 100; 20 if not given", schema=int),
        Parameter("order", '"asc" for the oldest first', schema=Literal["asc", "desc"]),
        Parameter("after", "The id of the last one of the page before"),
    )
    listing = Operation(
        "The responses that are kept",
        "OpenAI",
        answer=answers.ResponsesPage,
        description="Those of the caller's key. Those that were made without a key are listed for "
        "administrators only, but whoever may use the models can read one by its id.",
        query=page,
    )
    reading = Operation(
        "A response that is kept",
        "OpenAI",
        answer=answers.ResponsesAnswer,
        statuses=(404,),
        path=id,
    )
    reading_input = Operation(
        "What it was an answer to, earlier turns included",
        "OpenAI",
        answer=answers.ResponsesItemPage,
        statuses=(404,),
        path=id,
        query=page,
    )
    deleting = Operation(
        "Forget a response",
        "OpenAI",
        answer=answers.ResponsesDeleted,
        description="Nothing can go on from it any more, nor from those that went on from it.",
        statuses=(404,),
        path=id,
    )
    return (
        Route("GET", "/v1/responses", api.list, listing, access="own"),
        Route("GET", "/v1/responses/{id}", api.retrieve, reading),
        Route("GET", "/v1/responses/{id}/input_items", api.input_items, reading_input),
        Route("DELETE", "/v1/responses/{id}", api.delete, deleting, changes=True),
    )
