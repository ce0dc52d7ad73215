"""Bodies to try, by title: the documents show them, the contract tests send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 40}},
    "required": ["answer"],
}
_SHORT = {"num_predict": 32}

CHAT: Mapping[str, Any] = {
    "A question, as a stream": {
        "model": "luna-small",
        "messages": [{"role": "user", "content": "How do I add a model?"}],
        "options": _SHORT,
    },
    "A tool of yours": {
        "model": "luna-small",
        "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
        "tools": [_TOOL],
        "options": _SHORT,
        "stream": False,
    },
    "Load the model, and keep it for an hour": {"model": "luna-small", "keep_alive": "1h"},
}
GENERATE: Mapping[str, Any] = {
    "A question": {
        "model": "luna-small",
        "prompt": "What is Luna?",
        "options": _SHORT,
        "stream": False,
    },
    "An answer that fits a schema": {
        "model": "luna-small",
        "prompt": "Answer in one word: are you there?",
        "format": _SCHEMA,
        "options": {"num_predict": 64},
        "stream": False,
    },
    "A text without any template": {
        "model": "luna-small",
        "prompt": "Luna is",
        "raw": True,
        "options": _SHORT,
    },
}
EMBED: Mapping[str, Any] = {
    "Several texts": {"model": "luna-small", "input": ["Hello", "world"]},
}
EMBEDDINGS: Mapping[str, Any] = {"A text": {"model": "luna-small", "prompt": "Hello"}}
NAME: Mapping[str, Any] = {"A model": {"model": "luna-small"}}
PULL: Mapping[str, Any] = {
    "A model that is there": {"model": "luna-small", "stream": False},
    "A model of a hub": {"model": "hf.co/owner/repository:Q4_K_M"},
}
DELETE: Mapping[str, Any] = {"A model": {"model": "old"}}
COPY: Mapping[str, Any] = {"A second name": {"source": "no-such-model", "destination": "mine"}}
