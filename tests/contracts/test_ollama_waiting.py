"""A model that takes its time to load: Ollama's apps wait for it, others are told to come back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ollama
import openai
import pytest

from appliance.errors import ModelLoadFailed, ModelLoading
from tests.contracts.asking import HELLO
from tests.contracts.scripted import Stage, performing
from tests.helpers.wire import Wire, eventually


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with performing(tmp_path) as stage:
        yield stage


def later(count: int, seconds: int = 0) -> list[Any]:
    return [ModelLoading("It loads.", retry_after=seconds) for _ in range(count)]


def test_apps_wait(stage: Stage) -> None:
    history: Any = [{"role": "user", "content": "Hello!"}]
    with ollama.Client(stage.url, timeout=30) as app:
        asks: list[Callable[[], object]] = [
            lambda: app.chat("m", history).message.content,
            lambda: app.generate("m", "Hello!").response,
            lambda: app.generate("m").done_reason,
            lambda: app.embed("m", "Hello!").embeddings,
        ]
        for ask in asks:
            app.chat("m", keep_alive=0)
            eventually(lambda: app.ps().models == [], "the end of the model")
            stage.loading = later(3)
            assert ask()
            assert stage.loading == []


def test_other_clients_are_told_to_come_back(stage: Stage) -> None:
    stage.loading = later(1)
    options: Any = {"api_key": "none", "max_retries": 0}
    with (
        openai.OpenAI(base_url=f"{stage.url}/v1", **options) as client,
        pytest.raises(openai.APIStatusError) as caught,
    ):
        client.chat.completions.create(model="m", messages=HELLO)
    assert caught.value.status_code == 503


def test_a_model_that_cannot_be_loaded_is_not_waited_for(stage: Stage) -> None:
    stage.loading = [ModelLoadFailed("It is broken.")]
    with (
        ollama.Client(stage.url, timeout=30) as app,
        pytest.raises(ollama.ResponseError, match="broken"),
    ):
        app.generate("m", "Hello!")


def test_who_leaves_is_not_waited_for(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "luna.access")
    stage.loading = later(2, seconds=300)
    body = b'{"model": "m", "prompt": "Hello!"}'
    with Wire(stage.port) as wire:
        wire.send(
            b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        eventually(lambda: len(stage.loading) == 1, "the wait")
    eventually(lambda: "/api/generate' 503" in caplog.text, "the end of the request")
