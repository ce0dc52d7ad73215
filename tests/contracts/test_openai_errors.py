"""Every refusal: OpenAI's shape, the right status, type, code and path, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.contracts.asking import HELLO, connect
from tests.helpers.server import RunningLuna
from tests.helpers.wire import Response, Wire

pytestmark = pytest.mark.needs("engine")
CHAT, TEXT, EMBED = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
TYPE, VALUE, MISSING = "invalid_type", "invalid_value", "missing_required_parameter"
IMAGE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
CALL = {"function": {"name": "f", "arguments": "{half"}}


def post(luna: RunningLuna, path: str, body: Any) -> Response:
    """The answer to a body, which is sent as it is if it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Wire(luna.port) as wire:
        return wire.request(path, "Content-Type: application/json", body=content)


def chat(**fields: Any) -> dict[str, Any]:
    """A chat that is in order but for what the test adds."""
    return {"messages": HELLO, "max_tokens": 1, **fields}


def message(**fields: Any) -> dict[str, Any]:
    """A chat of one message."""
    return {"messages": [fields], "max_tokens": 1}


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        (CHAT, b"{", "invalid_json", None),
        (CHAT, b'{"model": "\xff"}', "invalid_json", None),
        (CHAT, b'{"x": ' + b"[" * 100_000, "invalid_json", None),
        (CHAT, [], TYPE, None),
        (CHAT, {}, MISSING, "messages"),
        (CHAT, {"messages": "Hello"}, TYPE, "messages"),
        (CHAT, {"messages": []}, VALUE, "messages"),
        (CHAT, message(content="x"), MISSING, "messages[0].role"),
        (CHAT, message(role="king", content="x"), VALUE, "messages[0].role"),
        (CHAT, message(role="user", content=5), TYPE, "messages[0].content"),
        (CHAT, message(role="user"), MISSING, "messages[0].content"),
        (
            CHAT,
            message(role="user", content=IMAGE),
            "unsupported_value",
            "messages[0].content[0].type",
        ),
        (
            CHAT,
            message(role="user", content=[{"type": "text"}]),
            MISSING,
            "messages[0].content[0].text",
        ),
        (
            CHAT,
            message(role="assistant", tool_calls=[CALL]),
            VALUE,
            "messages[0].tool_calls[0].function.arguments",
        ),
        (CHAT, chat(model=5), TYPE, "model"),
        (CHAT, chat(n=0), VALUE, "n"),
        (CHAT, chat(n=17), VALUE, "n"),
        (CHAT, chat(temperature=2.5), VALUE, "temperature"),
        (CHAT, chat(temperature="hot"), TYPE, "temperature"),
        (CHAT, chat(top_p=1.1), VALUE, "top_p"),
        (CHAT, chat(presence_penalty=-3), VALUE, "presence_penalty"),
        (CHAT, chat(stop=["x"] * 17), VALUE, "stop"),
        (CHAT, chat(stream="yes"), TYPE, "stream"),
        (CHAT, chat(logit_bias={"Hello": 1}), VALUE, "logit_bias"),
        (CHAT, chat(logit_bias={"5": 101}), VALUE, "logit_bias[]"),
        (CHAT, chat(top_logprobs=3), VALUE, "top_logprobs"),
        (CHAT, chat(logprobs=True, top_logprobs=21), VALUE, "top_logprobs"),
        (CHAT, chat(tool_choice="sometimes"), VALUE, "tool_choice"),
        (
            CHAT,
            chat(tool_choice={"type": "function", "function": {"name": "f"}}),
            VALUE,
            "tool_choice",
        ),
        (CHAT, chat(tool_choice="required"), VALUE, "tools"),
        (CHAT, chat(tools=[{"type": "function"}]), MISSING, "tools[0].function"),
        (CHAT, chat(tools=["no_such_tool"]), VALUE, "tools"),
        (CHAT, chat(luna_tools=["no_such_tool"]), VALUE, "luna_tools"),
        (CHAT, chat(response_format={"type": "yaml"}), VALUE, "response_format.type"),
        (
            CHAT,
            chat(response_format={"type": "json_schema"}),
            MISSING,
            "response_format.json_schema",
        ),
        (
            CHAT,
            chat(response_format={"type": "json_schema", "json_schema": {}}),
            MISSING,
            "response_format.json_schema.schema",
        ),
        (TEXT, {}, MISSING, "prompt"),
        (TEXT, {"prompt": {}}, TYPE, "prompt"),
        (TEXT, {"prompt": ["a", 1]}, TYPE, "prompt"),
        (TEXT, {"prompt": []}, VALUE, "prompt"),
        (TEXT, {"prompt": [-1]}, VALUE, "prompt[0]"),
        (TEXT, {"prompt": ["a"] * 65}, VALUE, "prompt"),
        (TEXT, {"prompt": ["a"] * 33, "n": 2}, VALUE, "prompt"),
        (EMBED, {}, MISSING, "input"),
        (EMBED, {"input": ""}, VALUE, "input[0]"),
        (EMBED, {"input": ["a"] * 2049}, VALUE, "input"),
        (EMBED, {"input": "a", "dimensions": 0}, VALUE, "dimensions"),
        (EMBED, {"input": "a", "dimensions": 65}, VALUE, "dimensions"),
        (EMBED, {"input": "a", "encoding_format": "hex"}, VALUE, "encoding_format"),
    ],
)
def test_a_body_that_can_never_work(
    luna: RunningLuna, path: str, body: Any, code: str, param: str | None
) -> None:
    answer = post(luna, path, body)
    assert (answer.status, answer.code) == (400, code)
    error = json.loads(answer.body)["error"]
    assert error["param"] == param
    assert error["message"].endswith(".")
    assert answer.fields["x-request-id"]


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_a_context_says_how_long(client: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match=r"2048.*\d{4,}") as caught:
        client.chat.completions.create(
            model="luna-small",
            messages=[{"role": "user", "content": "one two " * 2000}],
            stream=stream,
        )
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.type == "invalid_request_error"


def test_too_many_tokens_of_a_prompt(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="3000") as caught:
        client.completions.create(model="luna-small", prompt=[300] * 3000)
    assert caught.value.code == "context_length_exceeded"


def test_tokens_of_another_vocabulary(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="luna-small", prompt=[999_999])


def test_a_schema_that_is_none(client: OpenAI) -> None:
    wanted: Any = {"name": "x", "schema": {"type": "nonsense"}}
    with pytest.raises(openai.BadRequestError, match="nonsense"):
        client.chat.completions.create(
            model="luna-small",
            messages=HELLO,
            response_format={"type": "json_schema", "json_schema": wanted},
        )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/models/nothing", 404, "model_not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("BREW", "/luna", 405, "method_not_allowed"),
        ("GET", "/docs/nothing.js", 404, "not_found"),
        ("GET", "/docs/..%2f..%2fapp.py", 404, "not_found"),
        ("GET", "/docs/NOTICE.md", 404, "not_found"),
    ],
)
def test_paths_and_methods(
    luna: RunningLuna, method: str, path: str, status: int, code: str
) -> None:
    with Wire(luna.port) as wire:
        wire.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = wire.response()
    assert (answer.status, answer.code) == (status, code)
    if status == 405:
        allowed = {"POST", "OPTIONS"} if path == CHAT else {"GET", "HEAD", "OPTIONS"}
        assert set(answer.fields["allow"].split(", ")) == allowed


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    """A server that takes small bodies only."""
    settings = "[server]\nbody_bytes = 2000\n"
    with RunningLuna(tmp_path_factory.mktemp("narrow"), settings=settings) as luna:
        yield luna


def test_too_large_a_body(narrow: RunningLuna) -> None:
    answer = post(narrow, CHAT, chat(user="x" * 3000))
    assert (answer.status, answer.code) == (413, "request_too_large")
    with connect(narrow) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="x", messages=HELLO, user="x" * 3000)
    assert caught.value.status_code == 413
    assert post(narrow, CHAT, chat()).status == 200
