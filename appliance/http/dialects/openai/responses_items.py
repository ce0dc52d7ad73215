"""The items of a kept conversation: as they are stored, read again and listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from appliance.http.dialects.openai.responses_requests import ResponsesItem, ResponsesPart
from appliance.store.responses import KeptResponse

_PREFIXES = {"function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
_encode = msgspec.json.Encoder().encode
_decode_input = msgspec.json.Decoder(list[ResponsesItem]).decode


class _Answered(Struct, frozen=True):
    output: list[ResponsesItem] = []


_decode_answer = msgspec.json.Decoder(_Answered).decode


def written(sent: str | Sequence[ResponsesItem], token: str) -> bytes:
    """What a client sent, as JSON with everything spelled out; `token` makes the missing ids."""
    items = [ResponsesItem(role="user", content=sent)] if isinstance(sent, str) else sent
    return _encode([_whole(item, f"{token}i{index:02}") for index, item in enumerate(items)])


def conversation(turns: Iterable[KeptResponse]) -> Iterator[ResponsesItem]:
    """All items of some turns, sent and answered."""
    for turn in turns:
        yield from _decode_input(turn.input)
        yield from _decode_answer(turn.answer).output


def answered(turns: Sequence[KeptResponse]) -> list[ResponsesItem]:
    """The items that the last of these turns is an answer to."""
    return [*conversation(turns[:-1]), *_decode_input(turns[-1].input)]


def _whole(item: ResponsesItem, token: str) -> ResponsesItem:
    kind = item.type or "message"
    id = item.id or f"{_PREFIXES.get(kind, 'msg')}_{token}"
    content = item.content
    if isinstance(content, str):
        form: Literal["output_text", "input_text"]
        form = "output_text" if item.role == "assistant" else "input_text"
        content = [ResponsesPart(form, content)]
    return msgspec.structs.replace(item, id=id, type=kind, content=content)
