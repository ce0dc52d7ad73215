"""Answers that are bound to JSON schemas at random: each is valid, or was cut by its length.

A schema that no answer can be bound to is refused with the reason. LUNA_SCHEMAS=1000 tries more.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.contracts.asking import HELLO, connect, tool
from tests.contracts.browserllm import Api, Refused
from tests.contracts.schemas import SCHEMAS
from tests.contracts.thinker import thinking
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")
SCHEMAS_TRIED = int(os.environ.get("LUNA_SCHEMAS", "40"))
MOST_TOKENS = 300
NODE = {
    "type": "object",
    "properties": {"on": {"$ref": "#/$defs/flag"}},
    "required": ["on"],
    "additionalProperties": False,
    "$defs": {"flag": {"type": "boolean"}},
}


def judge(api: Api, schema: dict[str, Any]) -> str:
    """Ask for an answer under the schema; how that ended."""
    try:
        told = api.generate(json_schema=schema, max_tokens=MOST_TOKENS)
    except Refused as refused:
        if refused.status != 400 or not refused.message.startswith("The JSON schema"):
            raise
        return "refused"
    if told["finish_reason"] == "length":
        assert told["tokens"] == MOST_TOKENS
        return "cut"
    value = json.loads(told["text"], parse_float=finite)
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=False)
    complaints = [error.message for error in validator.iter_errors(value)]
    assert not complaints, (schema, told["text"], complaints)
    return "valid"


def finite(text: str) -> float:
    """JSON has numbers that are beyond any computer's; infinity is none in JSON."""
    return max(-1e308, min(1e308, float(text)))


@pytest.mark.timeout(30 + 2 * SCHEMAS_TRIED)
def test_every_answer_fits_its_schema(luna: RunningLuna) -> None:
    api = Api(luna.port)
    ends: Counter[str] = Counter()

    @settings(
        max_examples=SCHEMAS_TRIED,
        derandomize="LUNA_SCHEMAS" not in os.environ,
        database=None,
        phases=[Phase.generate],  # a smaller schema would say no more
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEMAS)
    def ask(schema: dict[str, Any]) -> None:
        ends[judge(api, schema)] += 1

    ask()
    print(dict(ends))
    assert ends.total() == SCHEMAS_TRIED
    assert ends["valid"] > SCHEMAS_TRIED / 5, ends


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "object", "properties": {"a": {"not": {"type": "string"}}}}, "'not'"),
        ({"type": "array", "uniqueItems": True}, "'uniqueItems'"),
        ({"type": "string", "pattern": "(?<=a)b"}, "look-behind"),
        ({"$ref": "#"}, "no answer fits"),
    ],
)
def test_a_schema_that_cannot_be_bound(luna: RunningLuna, schema: Any, word: str) -> None:
    with pytest.raises(Refused, match=word) as caught:
        Api(luna.port).generate(json_schema=schema)
    assert caught.value.status == 400


@pytest.mark.parametrize("path", ["chat", "completion"])
def test_a_schema_among_llama_cpps_settings(luna: RunningLuna, path: str) -> None:
    more: Any = {"extra_body": {"json_schema": NODE}}
    with connect(luna) as client:
        if path == "chat":
            done = client.chat.completions.create(model="tiny", messages=HELLO, **more)
            text = done.choices[0].message.content or ""
        else:
            text = client.completions.create(model="tiny", prompt="Hello", **more).choices[0].text
    assert isinstance(json.loads(text)["on"], bool)


def test_a_forced_call_whose_schema_has_references(luna: RunningLuna) -> None:
    asked = tool("switch")
    asked["function"]["parameters"] = NODE
    with connect(luna) as client:
        done = client.chat.completions.create(
            model="tiny", messages=HELLO, tools=[asked], tool_choice="required", max_tokens=200
        )
    assert done.choices[0].message.tool_calls
    (call,) = done.choices[0].message.tool_calls
    assert call.type == "function"
    assert isinstance(json.loads(call.function.arguments)["on"], bool)


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    folder: Path = tmp_path_factory.mktemp("thinker")
    with thinking(folder) as luna:
        yield luna


@pytest.mark.parametrize("thinks", [True, False])
def test_a_model_that_thinks_answers_in_json_too(thinker: RunningLuna, thinks: bool) -> None:
    format: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": NODE}}
    more: Any = {"extra_body": {"chat_template_kwargs": {"enable_thinking": thinks}}}
    with connect(thinker) as client:
        done = client.chat.completions.create(
            model="thinker", messages=HELLO, response_format=format, max_tokens=300, **more
        )
    message = done.choices[0].message
    thought = (message.model_extra or {}).get("reasoning_content")
    assert bool(thought) is thinks
    if done.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(message.content or "")["on"], bool)
    else:
        assert thinks, "it had nothing but the answer to write"
