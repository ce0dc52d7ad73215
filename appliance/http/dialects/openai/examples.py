"""Bodies to try, by title: the documents show them, the contract tests send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FUNCTION = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
_TOOL = {"type": "function", "function": _FUNCTION}
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 80}},
    "required": ["answer"],
}

CHAT: Mapping[str, Any] = {
    "A question": {
        "model": "luna-small",
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "How do I add a model?"},
        ],
        "max_tokens": 64,
    },
    "A stream": {
        "messages": [{"role": "user", "content": "What is Luna?"}],
        "max_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "The device's own tools": {
        "messages": [{"role": "user", "content": "What time is it?"}],
        "max_tokens": 64,
        "luna_tools": True,
    },
    "A tool of yours": {
        "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
        "max_tokens": 64,
        "tools": [_TOOL],
        "tool_choice": "auto",
    },
    "An answer that fits a schema": {
        "messages": [{"role": "user", "content": "Answer in one word: are you there?"}],
        "max_tokens": 64,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": _SCHEMA},
        },
    },
}

COMPLETION: Mapping[str, Any] = {
    "A text": {"model": "luna-small", "prompt": "Luna is", "max_tokens": 16},
    "Several, as a stream": {
        "prompt": ["Luna is", "A model is"],
        "max_tokens": 16,
        "stream": True,
    },
}

EMBEDDING: Mapping[str, Any] = {
    "A text": {"model": "luna-small", "input": "The quick brown fox"},
    "Several, as base64": {"input": ["Hello", "world"], "encoding_format": "base64"},
}

RESPONSES: Mapping[str, Any] = {
    "A question": {
        "model": "luna-small",
        "input": "How do I add a model?",
        "max_output_tokens": 64,
    },
    "A stream": {
        "model": "luna-small",
        "instructions": "You are a helpful assistant.",
        "input": [{"role": "user", "content": "What is Luna?"}],
        "max_output_tokens": 64,
        "stream": True,
    },
    "A tool of yours": {
        "input": "What is the weather in Oslo?",
        "max_output_tokens": 64,
        "tools": [{"type": "function", **_FUNCTION}],
    },
    "An answer that fits a schema": {
        "input": "Answer in one word: are you there?",
        "max_output_tokens": 64,
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": _SCHEMA}},
    },
}
