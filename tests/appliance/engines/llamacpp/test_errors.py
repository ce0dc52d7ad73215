from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.llamacpp.errors import translate
from appliance.errors import (
    BadRequest,
    ContextTooLong,
    EngineError,
    LunaError,
    ModelLoading,
    Unsupported,
)

# Every type that format_error_response in llama.cpp's tools/server knows, and its status.
TYPES: dict[tuple[str, int], type[LunaError]] = {
    ("invalid_request_error", 400): BadRequest,
    ("authentication_error", 401): EngineError,
    ("server_error", 500): EngineError,
    ("not_found_error", 404): Unsupported,
    ("permission_error", 403): EngineError,
    ("not_supported_error", 501): Unsupported,
    ("unavailable_error", 503): ModelLoading,
    ("exceed_context_size_error", 400): ContextTooLong,
}


@pytest.mark.parametrize(("kind", "status"), TYPES)
def test_each_type_has_its_error(kind: str, status: int) -> None:
    body = {"error": {"code": status, "message": "some words", "type": kind}}
    error = translate(status, json.dumps(body).encode())
    assert type(error) is TYPES[kind, status]
    assert error.message.endswith(".")


def test_too_long_a_prompt_is_counted() -> None:
    error = {"type": "exceed_context_size_error", "n_prompt_tokens": 900, "n_ctx": 512}
    found = translate(400, json.dumps({"error": error}).encode())
    assert "900" in found.message
    assert "512" in found.message
    assert isinstance(found, ContextTooLong)
    assert (found.prompt_tokens, found.context) == (900, 512)


def test_too_long_an_input_of_an_embedding_is_counted() -> None:
    message = (
        "input (15000 tokens) is too large to process. increase the physical batch size "
        "(current batch size: 2048)"
    )
    error = {"type": "server_error", "message": message}
    found = translate(500, json.dumps({"error": error}).encode())
    assert isinstance(found, ContextTooLong)
    assert (found.prompt_tokens, found.context) == (15000, 2048)


def test_a_token_beyond_the_vocabulary_is_the_callers_fault() -> None:
    error = {"type": "server_error", "message": "vector::_M_range_check: __n (which is 9) >= 3"}
    assert type(translate(500, json.dumps({"error": error}).encode())) is BadRequest


@pytest.mark.parametrize(("message", "said"), [(" a ", "a."), ("why?", "why?"), ("", "no reason.")])
def test_a_message_is_a_sentence(message: str, said: str) -> None:
    body = {"error": {"type": "server_error", "message": message}}
    assert translate(500, json.dumps(body).encode()).message.endswith(said)


@given(st.integers(100, 599), st.binary() | st.text().map(str.encode))
def test_any_answer_is_an_error_of_ours(status: int, body: bytes) -> None:
    assert isinstance(translate(status, body), LunaError)


def test_an_answer_of_another_shape_says_its_status() -> None:
    assert "503" in translate(503, b"<html>").message
