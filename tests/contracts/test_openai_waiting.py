"""The official client when the answer is "not now", or comes to a sudden end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.contracts.asking import HELLO, connect
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import Wire, eventually
from tests.processes.clients import children

pytestmark = pytest.mark.needs("engine")
LONG = {"messages": HELLO, "model": "slow", "max_tokens": 3000, "stream": True}


@pytest.fixture
def luna(tmp_path: Path, slow_model: Path) -> Iterator[RunningLuna]:
    """One slot, one place in the queue, no patience; the slow model is the default."""
    environ = {
        "LUNA_MODELS_LOAD_WAIT_SECONDS": "0",
        "LUNA_MODELS_DEFAULT": "slow",
        "LUNA_QUEUE_LENGTH": "1",
        "LUNA_CPU_ENGINE_SLOTS": "1",
    }
    with RunningLuna(tmp_path, models=[tiny_model(), slow_model], environ=environ) as running:
        running.wait_loaded()
        eventually(lambda: ready(running, "slow"), "the slow model")
        yield running


def ready(luna: RunningLuna, model: str) -> bool:
    """Whether the model answers already."""
    with connect(luna) as client:
        try:
            client.chat.completions.create(model=model, messages=HELLO, max_tokens=1)
        except openai.InternalServerError:
            return False
    return True


def begin(luna: RunningLuna) -> Wire:
    """Send a long request and do not read its answer."""
    body = json.dumps(LONG).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return Wire(luna.port).send(head.encode() + body)


def test_a_model_that_is_being_loaded(luna: RunningLuna) -> None:
    with connect(luna) as client, pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="tiny", messages=HELLO)
    assert caught.value.status_code == 503
    assert caught.value.code == "model_loading"
    assert int(caught.value.response.headers["retry-after"]) >= 1
    eventually(lambda: ready(luna, "tiny"), "the other model")


def test_a_full_queue(luna: RunningLuna) -> None:
    with begin(luna), connect(luna) as client:
        eventually(lambda: luna.get("/health")["slots_processing"] == 1, "one at work")
        with begin(luna):
            eventually(lambda: luna.get("/health")["requests_waiting"] == 1, "one in the queue")
            for stream in (False, True):
                with pytest.raises(openai.InternalServerError) as caught:
                    client.chat.completions.create(model="slow", messages=HELLO, stream=stream)
                assert caught.value.status_code == 503
                assert caught.value.code == "queue_full"
                assert int(caught.value.response.headers["retry-after"]) >= 1
    eventually(lambda: luna.get("/health")["slots_processing"] == 0, "a free slot")
    assert luna.get("/health")["requests_waiting"] == 0


def test_an_engine_that_dies_in_the_middle(luna: RunningLuna) -> None:
    with connect(luna) as client:
        stream = client.chat.completions.create(
            model="slow", messages=HELLO, max_tokens=3000, stream=True
        )
        with stream:
            chunks = iter(stream)
            assert next(chunks).choices[0].delta.role == "assistant"
            for engine in children(luna.pid):
                os.kill(engine, signal.SIGKILL)
            with pytest.raises(openai.APIError) as caught:
                list(chunks)
        assert caught.value.code == "engine_died"
    eventually(lambda: ready(luna, "slow"), "the engine's return")


def test_who_leaves_frees_the_slot(luna: RunningLuna) -> None:
    with connect(luna) as client:
        leave_early(client)
        eventually(lambda: luna.get("/health")["slots_processing"] == 0, "a free slot")


def leave_early(client: OpenAI) -> None:
    """Begin a long stream and close it after its first chunk."""
    with client.chat.completions.create(
        model="slow", messages=HELLO, max_tokens=3000, stream=True
    ) as stream:
        next(iter(stream))
