"""Bodies to try, by title: the documents show them, the contract tests send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 40}},
    "required": ["answer"],
}

GENERATE: Mapping[str, Any] = {
    "A question": {"prompt": "What is Luna?", "max_tokens": 32, "temperature": 0.7},
    "As a stream": {"prompt": "How do I add a model?", "max_tokens": 32, "stream": True},
    "An answer that fits a schema": {
        "prompt": "Answer in one word: are you there?",
        "max_tokens": 64,
        "json_schema": _SCHEMA,
    },
}
