"""How often a client may ask: Browser LLM's figures, and headers that say how it stands."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.contracts.scripted import Stage, performing
from tests.helpers.wire import Response, Wire

LIMITS = {"rate.generate": 60, "rate.status": 120, "rate.browser": 300}


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = LIMITS | {"rate.inference": 2}
    with performing(tmp_path_factory.mktemp("stage"), settings) as stage:
        yield stage


def ask(stage: Stage, path: str, body: object = None) -> Response:
    content = b"" if body is None else json.dumps(body).encode()
    with Wire(stage.port) as wire:
        return wire.request(path, "Origin: http://app.example", body=content)


def test_the_sixty_first_in_a_minute_has_to_wait(stage: Stage) -> None:
    began = time.time()
    said = [ask(stage, "/api/v1/generate", {"prompt": "Hi"}) for _ in range(61)]
    assert [answer.status for answer in said] == [200] * 60 + [429]
    assert {answer.fields["x-ratelimit-limit"] for answer in said} == {"60"}
    left = [int(answer.fields["x-ratelimit-remaining"]) for answer in said]
    assert left == [*range(59, -1, -1), 0]
    resets = {int(answer.fields["x-ratelimit-reset"]) for answer in said}
    assert all(began + 59 < reset < time.time() + 62 for reset in resets)
    refused = said[-1]
    assert 1 <= int(refused.fields["retry-after"]) <= 60
    body = json.loads(refused.body)
    assert (body["success"], body["error"]["code"]) == (False, "RATE_LIMIT")
    assert "x-ratelimit-reset" in refused.fields["access-control-expose-headers"]
    # The others have a count of their own.
    assert ask(stage, "/api/v1/status").fields["x-ratelimit-limit"] == "120"
    assert ask(stage, "/api/v1/models").fields["x-ratelimit-limit"] == "300"


def test_a_stream_and_a_mistake_carry_the_headers_too(stage: Stage) -> None:
    stream = ask(stage, "/api/v1/generate", {"prompt": "Hi", "stream": True})
    assert stream.fields["x-ratelimit-remaining"] == "59"
    mistake = ask(stage, "/api/v1/generate", {})
    assert (mistake.status, mistake.fields["x-ratelimit-remaining"]) == (400, "58")


def test_elsewhere_there_is_a_limit_where_one_is_set(stage: Stage) -> None:
    assert "x-ratelimit-limit" not in ask(stage, "/v1/models").fields
    chat = {"messages": [{"role": "user", "content": "Hi"}], "model": "m", "max_tokens": 9}
    assert ask(stage, "/v1/chat/completions", chat).status == 200
    assert ask(stage, "/api/chat", chat).status == 200
    for path in ("/v1/chat/completions", "/v1/messages", "/api/chat", "/completion"):
        refused = ask(stage, path, chat)
        assert (refused.status, refused.fields["x-ratelimit-limit"]) == (429, "2")
    assert "2 times a minute" in json.loads(refused.body)["error"]["message"]
