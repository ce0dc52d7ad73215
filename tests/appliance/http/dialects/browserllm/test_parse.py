from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.domain.messages import Message, Role
from appliance.domain.requests import ResponseFormat
from appliance.domain.sampling import Sampling
from appliance.errors import BadRequest, MissingField, WrongType
from appliance.http.bodies import decode
from appliance.http.dialects.browserllm import parse
from appliance.http.dialects.browserllm.requests import BrowserLlmGenerateBody


def body(**fields: Any) -> BrowserLlmGenerateBody:
    return decode(json.dumps({"prompt": "Hi"} | fields).encode(), BrowserLlmGenerateBody)


def test_a_prompt_is_the_users_turn() -> None:
    request = parse.generate(body(), "")
    assert request.messages == (Message(Role.USER, "Hi"),)
    assert request.generation.model == ""
    assert request.generation.max_tokens is None
    assert request.generation.sampling == Sampling()
    assert request.response_format == ResponseFormat()


def test_every_setting() -> None:
    settings: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "frequency_penalty": 0.25,
        "presence_penalty": 2,
    }
    generation = parse.generate(body(max_tokens=7, stop=["a", "", "b"], **settings), "m").generation
    assert generation.sampling == Sampling(**settings)
    assert (generation.max_tokens, generation.stop, generation.model) == (7, ("a", "b"), "m")


def test_the_body_may_name_the_model() -> None:
    assert parse.generate(body(model="x"), "m").generation.model == "x"


def test_json() -> None:
    schema = {"type": "object"}
    assert parse.generate(body(json_mode=True), "").response_format.kind == "json_object"
    for more in ({}, {"json_mode": True}, {"json_mode": False}):
        wanted = parse.generate(body(json_schema=schema, **more), "").response_format
        assert wanted == ResponseFormat("json_schema", schema)


RANGES: dict[str, tuple[list[Any], list[Any]]] = {
    "prompt": (["x"], ["", 5, None, ["a"]]),
    "max_tokens": ([1, 4096, None], [0, 4097, -1, 1.5, "9", True]),
    "temperature": ([0, 2, 0.7, None], [-0.1, 2.1, "1", False]),
    "top_p": ([0, 1, 0.95, None], [-0.1, 1.1, "1"]),
    "top_k": ([1, 100, None], [0, 101, 1.5, "40"]),
    "frequency_penalty": ([0, 2, None], [-0.1, 2.1, "1"]),
    "presence_penalty": ([0, 2, None], [-0.1, 2.1, {}]),
    "stop": ([[], ["a"], ["a"] * 16, None], ["a", [5], ["a"] * 17, {}]),
    "stream": ([True, False, None], [1, "true"]),
    "json_mode": ([True, False, None], [1, "true"]),
    "json_schema": ([{}, {"type": "object"}, None], [True, "object", []]),
}


@pytest.mark.parametrize("name", RANGES)
def test_ranges(name: str) -> None:
    good, bad = RANGES[name]
    for value in good:
        parse.generate(body(**{name: value}), "")
    for value in bad:
        with pytest.raises(BadRequest) as caught:
            body(**{name: value})
        assert name in caught.value.message
        assert (caught.value.param or "").startswith(name)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(MissingField) as missing:
        decode(b"{}", BrowserLlmGenerateBody)
    assert missing.value.param == "prompt"
    with pytest.raises(WrongType):
        body(max_tokens="many")
