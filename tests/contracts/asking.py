"""What the contract tests ask for, again and again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from openai import OpenAI
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ChatCompletionToolParam,
)

from appliance.domain.keys import digest, new_secret
from appliance.store.database import Database
from appliance.store.keys import Keys
from tests.helpers.server import RunningLuna

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]


def connect(luna: RunningLuna) -> OpenAI:
    """The official client, which does not try again by itself."""
    return OpenAI(base_url=f"{luna.url}/v1", api_key="none", max_retries=0, timeout=30)


def inference_key(folder: Path, name: str) -> str:
    """A new API key for the server whose files are in this folder: from now on it needs one."""
    database = Database(folder / "data" / "luna.db")
    secret = new_secret()
    Keys(database).add(name, ["inference"], digest(secret))
    database.close()
    return secret


def tool(name: str, **properties: str) -> ChatCompletionToolParam:
    """A function with enumerated arguments: a model of any wit can only call it rightly."""
    fields = {key: {"type": "string", "enum": [value]} for key, value in properties.items()}
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Do {name}.",
            "parameters": {
                "type": "object",
                "properties": fields,
                "required": list(fields),
                "additionalProperties": False,
            },
        },
    }


def text_of(chunks: Iterable[ChatCompletionChunk], index: int = 0) -> str:
    """The content of one choice of a stream."""
    return "".join(
        choice.delta.content or ""
        for chunk in chunks
        for choice in chunk.choices
        if choice.index == index
    )
