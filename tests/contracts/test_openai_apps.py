"""What apps for OpenAI's API send that are pointed at this address instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.domain.sse import Decoder
from tests.contracts.apps import WEATHER, App
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")


def chunks(app: App, body: Any) -> list[Any]:
    """An answer that is a stream of events up to the word at its end."""
    kind, content = app.ask("POST", "/v1/chat/completions", body)
    assert kind.startswith("text/event-stream")
    *events, last = Decoder().feed(content)
    assert last == b"[DONE]"
    return [json.loads(event) for event in events]


def test_open_webui(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="Python/3.11 aiohttp/3.12", Authorization="Bearer none")
    models = app.json("GET", "/v1/models")
    assert models["object"] == "list"
    model = models["data"][0]["id"]
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 3,
    }
    said = chunks(app, asked)
    assert said[-1]["usage"]["completion_tokens"] == 3
    assert said[0]["choices"][0]["delta"]["role"] == "assistant"
    title = app.json("POST", "/v1/chat/completions", asked | {"stream": False, "max_tokens": 8})
    assert title["choices"][0]["message"]["content"]


def test_home_assistant_with_an_integration_of_its_community(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="AsyncOpenAI/Python 1.99", Authorization="Bearer sk-0000000000")
    system = "You are a voice assistant for Home Assistant."
    history: list[Any] = [
        {"role": "system", "content": system},
        {"role": "user", "content": "What is the weather?"},
    ]
    shared = {
        "model": app.json("GET", "/v1/models")["data"][0]["id"],
        "tools": [WEATHER],
        "tool_choice": "auto",
        "max_tokens": 3,
        "top_p": 1.0,
        "temperature": 0.5,
        "parallel_tool_calls": False,
        "user": "01J5",
    }
    chunks(app, shared | {"messages": history, "stream": True})
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "HassGetWeather", "arguments": '{"name": "home"}'},
    }
    history += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"temperature": 7}'},
    ]
    done = app.json("POST", "/v1/chat/completions", shared | {"messages": history})
    assert done["choices"][0]["message"]["role"] == "assistant"


def test_continue(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="node-fetch", Authorization="Bearer none")
    asked = {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "You are a programmer."},
            {"role": "user", "content": [{"type": "text", "text": "Write a loop."}]},
        ],
        "max_tokens": 3,
        "temperature": 0.01,
        "stop": ["\n\n"],
        "stream": True,
    }
    assert chunks(app, asked)
    hole = {"model": "tiny", "prompt": "def add(a, b):\n", "suffix": "\nadd(1, 2)", "max_tokens": 3}
    kind, content = app.ask("POST", "/v1/completions", hole | {"stream": True})
    assert kind.startswith("text/event-stream")
    assert Decoder().feed(content)[-1] == b"[DONE]"
