"""Bodies to try, by title: the documents show them, the contract tests send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COMPLETION: Mapping[str, Any] = {
    "A text": {"prompt": "Luna is", "n_predict": 16},
    "A stream": {"prompt": "Luna is", "n_predict": 16, "stream": True},
    "With probabilities": {"prompt": ["Luna is", "A model is"], "n_predict": 4, "n_probs": 3},
}
INFILL: Mapping[str, Any] = {
    "A function's body": {
        "input_prefix": "def add(a, b):\n    ",
        "input_suffix": "\n\nprint(add(1, 2))",
        "n_predict": 16,
    }
}
CHAT: Mapping[str, Any] = {
    "A question": {
        "messages": [{"role": "user", "content": "What is Luna?"}],
        "max_tokens": 32,
    }
}
TEMPLATE: Mapping[str, Any] = {
    "A question": {"messages": [{"role": "user", "content": "What is Luna?"}]}
}
TOKENIZE: Mapping[str, Any] = {
    "A text": {"content": "Hello, world"},
    "With the text of each token": {"content": "Hello 🌙", "with_pieces": True},
}
DETOKENIZE: Mapping[str, Any] = {"Some tokens": {"tokens": [39, 68, 75]}}
EMBEDDING: Mapping[str, Any] = {"A text": {"content": "The quick brown fox"}}
RERANK: Mapping[str, Any] = {
    "Two documents": {
        "query": "Where is the fox?",
        "documents": ["The fox is in the garden.", "Two and two are four."],
        "top_n": 1,
    }
}
SLOT: Mapping[str, Any] = {"A file": {"filename": "conversation.bin"}}
ADAPTERS: Mapping[str, Any] = {"None": []}
