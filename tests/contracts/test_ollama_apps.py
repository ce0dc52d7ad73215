"""What apps for Ollama send, in the order in which they do; what they read has to be there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contracts.apps import WEATHER, App
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")


def test_home_assistant(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="ollama-python/0.6.3 (x86_64 linux) Python/3.13")
    models = app.json("GET", "/api/tags")["models"]
    chosen = models[0]["model"]
    asked = {
        "model": chosen,
        "stream": True,
        "tools": [WEATHER],
        "options": {"num_ctx": 8192.0, "num_predict": 3},
        "keep_alive": -1,
        "think": False,
    }
    history: list[Any] = [
        {"role": "system", "content": "You are a voice assistant for Home Assistant."},
        {"role": "user", "content": "What is the weather?"},
    ]
    said = app.lines("/api/chat", asked | {"messages": history})
    assert {each["message"]["role"] for each in said} == {"assistant"}
    call = {"function": {"name": "HassGetWeather", "arguments": {"name": "home"}}}
    history += [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": '{"data": {"temperature": 7}, "error": null}'},
    ]
    app.lines("/api/chat", asked | {"messages": history, "keep_alive": "300s"})
    structure = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}
    form = {"format": structure, "options": {"num_ctx": 8192.0, "num_predict": 100}, "tools": None}
    said = app.lines("/api/chat", asked | form | {"messages": history[:2]})
    assert isinstance(json.loads("".join(each["message"]["content"] for each in said))["on"], bool)


def test_open_webui(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="Python/3.11 aiohttp/3.12", Authorization="Bearer none")
    version = [int(part) for part in app.json("GET", "/api/version")["version"].split(".")]
    assert version >= [0, 6, 4], "apps refuse older ones"
    model = app.json("GET", "/api/tags")["models"][0]
    assert {"name", "model", "modified_at", "size", "digest", "details"} <= set(model)
    payload = {
        "model": model["model"],
        "messages": [{"role": "user", "content": "Hello"}],
        "options": {"num_predict": 3, "num_ctx": 2048, "num_keep": 24, "temperature": 0.8},
        "stream": True,
    }
    assert app.lines("/api/chat", payload)[-1]["eval_count"] == 3
    title = app.json(
        "POST", "/api/chat", payload | {"stream": False, "options": {"num_predict": 8}}
    )
    assert title["message"]["content"]
    (process,) = app.json("GET", "/api/ps")["models"]
    assert re.fullmatch(r"[0-9-]{10}T[0-9:.]+(Z|[+-]\d\d:\d\d)", process["expires_at"])
    found = app.json("POST", "/api/embed", {"model": "tiny", "input": ["a"], "truncate": True})
    assert len(found["embeddings"]) == 1


def test_continue(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="node-fetch", Authorization="Bearer none")
    shown = app.json("POST", "/api/show", {"name": "tiny"})
    for line in shown["parameters"].split("\n"):
        assert re.fullmatch(r'(\S+)\s+((?:".*")|\S+)', line)
    assert ".Suffix" in shown["template"]
    options = {"num_predict": 3, "num_ctx": 2048, "stop": ["\n\n"], "temperature": 0.01}
    shared = {"model": "tiny", "options": options, "keep_alive": 1800, "stream": True}
    hole = {"prompt": "def add(a, b):\n", "suffix": "\nprint(add(1, 2))", "raw": False}
    said = app.lines("/api/generate", shared | hole)
    assert all("response" in each for each in said)
    marked = {"prompt": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", "raw": True}
    app.lines("/api/generate", shared | marked)
    messages = [{"role": "user", "content": "Hello"}]
    tools = {"tools": [WEATHER], "stream": False}
    done = app.json("POST", "/api/chat", shared | tools | {"messages": messages})
    assert done["message"]["role"] == "assistant"


def test_enchanted(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="Enchanted/1.9 CFNetwork Darwin", Authorization="Bearer ")
    assert app.ask("HEAD", "/")[1] == b""
    model = app.json("GET", "/api/tags")["models"][0]["name"]
    asked = {
        "model": model,
        "stream": True,
        "messages": [
            {"role": "system", "content": "You are helpful.", "images": []},
            {"role": "user", "content": "Hello", "images": []},
        ],
        "options": {"temperature": 0, "num_predict": 3},
    }
    assert app.lines("/api/chat", asked)[-1]["done_reason"] == "length"


def test_a_command_line_that_looks_for_its_kind(luna: RunningLuna) -> None:
    app = App(luna, User_Agent="ollama/0.12.11 (arm64 darwin) Go/go1.24")
    assert app.ask("GET", "/") == ("text/plain; charset=utf-8", b"Ollama is running")
    browser = App(luna, User_Agent="Mozilla/5.0")
    assert browser.json("GET", "/")["device"] == "luna"
