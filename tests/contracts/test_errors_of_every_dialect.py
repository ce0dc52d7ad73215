"""Every class of error, in the own shape of every dialect: as an answer, and in mid-stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.errors import ContextTooLong, LunaError, MethodNotAllowed, Retryable, Unsupported
from appliance.http.dialects.browserllm.errors import code_of
from appliance.http.errors import status_of
from tests.appliance.test_errors import every_error
from tests.contracts.scripted import Stage, performing
from tests.helpers.wire import Response, Wire

HELLO = [{"role": "user", "content": "Hello!"}]
SENTENCE = "It went wrong; do something else."


def openai_shape(error: LunaError, body: Any) -> None:
    kind = "invalid_request_error" if 400 <= status_of(error) < 499 else "server_error"
    kind = "cancelled" if status_of(error) == 499 else kind
    detail = {"message": SENTENCE, "type": kind, "param": None, "code": error.code}
    assert body == {"error": detail}


def llamacpp_shape(error: LunaError, body: Any) -> None:
    detail = body.pop("error")
    assert body == {}
    assert detail["message"] == SENTENCE
    assert detail["code"] == (501 if isinstance(error, Unsupported) else status_of(error))
    assert isinstance(detail["type"], str)


def ollama_shape(error: LunaError, body: Any) -> None:
    assert body == {"error": SENTENCE}


def anthropic_shape(error: LunaError, body: Any) -> None:
    assert body.keys() == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert body["error"].keys() == {"type", "message"}
    assert body["error"]["message"] == SENTENCE
    assert body["request_id"] == "req-of-mine"
    known = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
    known |= {404: "not_found_error", 421: "permission_error"}
    known |= {405: "invalid_request_error", 413: "request_too_large", 503: "overloaded_error"}
    known |= {429: "rate_limit_error", 504: "timeout_error"}
    assert body["error"]["type"] == known.get(status_of(error), "api_error")


def browserllm_shape(error: LunaError, body: Any) -> None:
    if body.keys() == {"type", "data"}:  # the last event of a stream
        assert body["type"] == "error"
        assert body["data"] == {"error": SENTENCE, "code": code_of(error)}
        return
    assert body.keys() == {"success", "error", "metadata"}
    assert body["success"] is False
    details = {"code": error.code, "param": None}
    assert body["error"] == {"code": code_of(error), "message": SENTENCE, "details": details}
    assert body["metadata"].keys() == {"requestId", "timestamp", "version"}
    assert body["metadata"]["requestId"] == "req-of-mine"


def last_data(text: str) -> Any:
    """What the last event of a stream carries."""
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    return json.loads(lines[-1].removeprefix("data: "))


def last_line(text: str) -> Any:
    return json.loads(text.splitlines()[-1])


def failed_response(error: LunaError, text: str) -> None:
    event = last_data(text)
    assert event["type"] == "response.failed"
    assert event["response"]["status"] == "failed"
    assert event["response"]["error"] == {"code": error.code, "message": SENTENCE}


@dataclass(frozen=True)
class Dialect:
    """How to ask, and how errors look; in a stream that is `shape` of its `last` piece."""

    path: str
    body: dict[str, Any]
    shape: Callable[[LunaError, Any], None]
    last: Callable[[str], Any] = last_data

    def check_stream(self, error: LunaError, text: str) -> None:
        if self.path == "/v1/responses":
            failed_response(error, text)
        else:
            self.shape(error, self.last(text))

    def status(self, error: LunaError) -> int:
        unable = self.shape is llamacpp_shape and isinstance(error, Unsupported)
        return 501 if unable else status_of(error)


DIALECTS = [
    Dialect("/v1/chat/completions", {"messages": HELLO}, openai_shape),
    Dialect("/v1/completions", {"prompt": "Hello"}, openai_shape),
    Dialect("/v1/responses", {"input": "Hello"}, openai_shape),
    Dialect("/completion", {"prompt": "Hello"}, llamacpp_shape),
    Dialect("/v1/messages", {"messages": HELLO, "model": "m", "max_tokens": 9}, anthropic_shape),
    Dialect("/api/chat", {"messages": HELLO, "model": "m"}, ollama_shape, last_line),
    Dialect("/api/generate", {"prompt": "Hello", "model": "m"}, ollama_shape, last_line),
    Dialect("/api/v1/generate", {"prompt": "Hello"}, browserllm_shape),
]


def made(kind: type[LunaError]) -> LunaError:
    """An error with those parts that answers tell; what else it may know is left out."""
    error = kind.__new__(kind)
    LunaError.__init__(error, SENTENCE)
    if isinstance(error, MethodNotAllowed):
        error.allowed = ("GET",)
    if isinstance(error, Retryable):
        error.retry_after = 1
    if isinstance(error, ContextTooLong):
        error.prompt_tokens = error.context = 0
    return error


ERRORS = sorted((made(kind) for kind in every_error()), key=lambda error: type(error).__name__)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


def post(stage: Stage, path: str, body: Any) -> Response:
    """The answer to a body, which is sent as it is if it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Wire(stage.port) as wire:
        return wire.request(path, "x-request-id: req-of-mine", body=content)


def test_every_error_is_made() -> None:
    assert len(ERRORS) > 20
    assert any(isinstance(error, ContextTooLong) for error in ERRORS)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
def test_before_the_first_word(stage: Stage, dialect: Dialect, stream: bool) -> None:
    stage.fails_at = 0
    for error in ERRORS:
        stage.failure = error
        answer = post(stage, dialect.path, dialect.body | {"stream": stream})
        assert answer.status == dialect.status(error), error
        assert answer.fields["content-type"] == "application/json"
        assert answer.fields["x-request-id"] == "req-of-mine"
        assert ("retry-after" in answer.fields) is isinstance(error, Retryable)
        dialect.shape(error, json.loads(answer.body))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
def test_in_mid_stream(stage: Stage, dialect: Dialect) -> None:
    stage.fails_at = 1
    for error in ERRORS:
        stage.failure = error
        answer = post(stage, dialect.path, dialect.body | {"stream": True})
        assert answer.status == 200
        assert b"Hel" in answer.body
        dialect.check_stream(error, answer.body.decode())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"model": 5}'])
def test_a_body_that_can_never_work(stage: Stage, dialect: Dialect, content: bytes) -> None:
    answer = post(stage, dialect.path, content)
    assert answer.status == 400
    text = json.loads(answer.body)["error"]
    assert text if dialect.shape is ollama_shape else text["message"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
def test_a_method_that_a_path_does_not_take(stage: Stage, dialect: Dialect) -> None:
    with Wire(stage.port) as wire:
        wire.send(f"PUT {dialect.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = wire.response()
    assert answer.status == 405
    assert "POST" in answer.fields["allow"]
    error = json.loads(answer.body)["error"]
    assert isinstance(error, str) is (dialect.shape is ollama_shape)
