from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadRequest, MissingField, WrongType
from appliance.http.bodies import InvalidJson, decode, unknown_fields
from appliance.http.dialects.openai.requests import ChatBody

GOOD: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
NAMES = [
    *("messages", "role", "content", "type", "text", "model", "n", "stop", "tools", "function"),
    *("name", "parameters", "temperature", "logit_bias", "response_format", "json_schema"),
    *("schema", "tool_choice", "stream_options", "include_usage", "seed", "max_tokens"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["user", "function", "json_schema", "x` - at `$.a.b`", " - at `$", "`"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES).map(lambda more: GOOD | more)


def exists(value: Any, path: str, *, but_for_the_last: bool) -> bool:
    """Whether `path` leads somewhere in the body; `[]` stands for any item."""
    steps = re.findall(r"\[\d*\]|[^.\[\]]+", path)
    found = [value]
    for step in steps[: len(steps) - but_for_the_last]:
        following: list[Any] = []
        for each in found:
            if step == "[]" and isinstance(each, dict):
                following += each.values()
            elif step == "[]" and isinstance(each, list):
                following += each
            elif step.startswith("[") and isinstance(each, list):
                following += each[int(step[1:-1]) :][:1]
            elif isinstance(each, dict) and step in each:
                following.append(each[step])
        found = following
    return bool(found)


@given(OBJECTS | VALUES)
def test_any_json_is_decoded_or_refused_with_the_path_of_the_field(value: Any) -> None:
    try:
        assert isinstance(decode(json.dumps(value).encode(), ChatBody), ChatBody)
    except MissingField as missing:
        path = missing.param
        gone = True
    except BadRequest as bad:
        path = bad.param
        gone = False
    else:
        return
    assert path is None or exists(value, path, but_for_the_last=gone)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_fields_that_nobody_knows_are_listed_or_refused(name: bytes, value: bytes) -> None:
    body = b'{"%s": "%s", "messages": [{"role": "user"}]}' % (name, value)
    with suppress(BadRequest):
        decode(body, ChatBody)
        assert isinstance(unknown_fields(body, ChatBody), tuple)


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        decode(data, ChatBody)


@pytest.mark.parametrize(
    ("change", "kind", "param", "said"),
    [
        ({"messages": None}, WrongType, "messages", "expected array, got null"),
        ({"messages": []}, BadRequest, "messages", "length >= 1"),
        ({"messages": [{}]}, MissingField, "messages[0].role", "messages[0].role"),
        ({"messages": [{"role": 1}]}, WrongType, "messages[0].role", "expected str"),
        ({"messages": [{"role": "x"}]}, BadRequest, "messages[0].role", "invalid enum value 'x'"),
        ({"messages": [{"role": "a` - at `$.b`"}]}, BadRequest, "messages[0].role", "invalid"),
        ({"temperature": 3}, BadRequest, "temperature", "<= 2"),
        ({"temperature": "hot"}, WrongType, "temperature", "got str"),
        ({"stop": [1]}, WrongType, "stop[0]", "expected str"),
        ({"logit_bias": {"1": "a"}}, WrongType, "logit_bias[]", "expected float"),
        ({"n": 0}, BadRequest, "n", ">= 1"),
    ],
)
def test_what_is_wrong_is_said(
    change: dict[str, Any], kind: type[BadRequest], param: str, said: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        decode(json.dumps(GOOD | change).encode(), ChatBody)
    assert type(caught.value) is kind
    assert caught.value.param == param
    assert said in caught.value.message
    assert "`" not in caught.value.message or "`" in json.dumps(change)


@pytest.mark.parametrize("data", [b"{", b"{'a': 1}", b" ", b'{"a": "\xff"}', b'{"\xff": 1}'])
def test_what_is_no_json_is_said(data: bytes) -> None:
    with pytest.raises(InvalidJson, match="not valid JSON"):
        decode(data, ChatBody)


def test_too_deep_a_body_is_refused() -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(InvalidJson, match="too deeply"):
        decode(deep, ChatBody)


def test_no_body_is_an_empty_object() -> None:
    with pytest.raises(MissingField) as caught:
        decode(b"", ChatBody)
    assert caught.value.param == "messages"
    assert unknown_fields(b"", ChatBody) == ()


def test_unknown_fields_are_listed() -> None:
    body = json.dumps(GOOD | {"zeta": 1, "alpha": {"model": 1}, "model": "m"}).encode()
    assert unknown_fields(body, ChatBody) == ("alpha", "zeta")
