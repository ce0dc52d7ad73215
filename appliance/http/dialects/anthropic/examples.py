"""Bodies to try, by title: the documents show them, the contract tests send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOOL = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
_QUESTION = [{"role": "user", "content": "How do I add a model?"}]

MESSAGES: Mapping[str, Any] = {
    "A question": {
        "model": "luna-small",
        "max_tokens": 64,
        "system": "You are a helpful assistant.",
        "messages": _QUESTION,
    },
    "A stream": {
        "model": "luna-small",
        "max_tokens": 64,
        "messages": _QUESTION,
        "stream": True,
    },
    "A tool of yours": {
        "model": "luna-small",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
        "tools": [_TOOL],
    },
}
COUNT: Mapping[str, Any] = {
    "A question": {"model": "luna-small", "messages": _QUESTION, "tools": [_TOOL]},
}
