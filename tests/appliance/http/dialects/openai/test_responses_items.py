from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from appliance.http.dialects.openai import responses_items as items
from appliance.http.dialects.openai.responses_requests import ResponsesItem
from appliance.store.responses import KeptResponse

HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def sent(*given: Any) -> list[ResponsesItem]:
    return msgspec.convert(list(given), list[ResponsesItem])


def kept(*given: Any, output: Any = ()) -> KeptResponse:
    answer = json.dumps({"id": "resp_1", "output": list(output)}).encode()
    return KeptResponse("resp_1", None, "", 0.0, items.written(sent(*given), "x"), answer)


def test_a_text_is_written_as_a_message() -> None:
    assert json.loads(items.written("Hi", "x")) == [{"id": "msg_xi00", **HELLO}]


@pytest.mark.parametrize(
    ("given", "id"),
    [
        ({"role": "user", "content": "Hi"}, "msg_xi00"),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, "fc_xi00"),
        ({"type": "function_call_output", "call_id": "c", "output": "7"}, "fco_xi00"),
        ({"type": "reasoning", "summary": [], "content": None}, "rs_xi00"),
        ({"id": "mine", "role": "user", "content": "Hi"}, "mine"),
    ],
)
def test_every_item_has_an_id(given: dict[str, Any], id: str) -> None:
    (found,) = json.loads(items.written(sent(given), "x"))
    assert found["id"] == id
    assert None not in found.values()


def test_what_the_model_said_is_written_as_its_own() -> None:
    (found,) = json.loads(items.written(sent({"role": "assistant", "content": "Hi"}), "x"))
    assert found["content"] == [{"type": "output_text", "text": "Hi"}]


def test_a_conversation_is_read_in_order() -> None:
    text = {"type": "output_text", "text": "Ho", "annotations": [], "logprobs": []}
    said = {"type": "message", "id": "m", "role": "assistant", "content": [text]}
    turns = [kept({"role": "user", "content": "Hi"}, output=[said]), kept(HELLO)]
    roles = [item.role for item in items.conversation(turns)]
    assert roles == ["user", "assistant", "user"]
    assert [item.role for item in items.answered(turns)] == roles
    assert [item.role for item in items.answered(turns[:1])] == ["user"]
