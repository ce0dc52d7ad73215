"""Wingman's front end starts and stops models; its server ends when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.helpers import random_model
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import Response, Wire, eventually

ALIAS = "tiny.gguf"  # Wingman's front end takes the file's path for the alias
KEY = f"alias={ALIAS}&modelRepo=ann/tiny&filePath={ALIAS}"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    other = random_model.tiny(folder / "other.gguf")
    broken = folder / "broken.gguf"
    broken.write_bytes(tiny_model().read_bytes()[:-70_000])
    return [tiny_model(), other, broken]


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory, models: list[Path]) -> Iterator[RunningLuna]:
    with RunningLuna(tmp_path_factory.mktemp("luna"), models=models) as luna:
        yield luna


def ask(luna: RunningLuna, path: str, *fields: str) -> tuple[int, Any]:
    with Wire(luna.port) as wire:
        answer = wire.request(path, *fields)
    return answer.status, json.loads(answer.body)


def post(luna: RunningLuna, path: str, body: Any) -> Response:
    with Wire(luna.port) as wire:
        return wire.request(path, body=json.dumps(body).encode())


def status(luna: RunningLuna, alias: str = ALIAS) -> str | None:
    found = ask(luna, f"/api/inference/status?alias={alias}")[1]
    return str(found[0]["status"]) if found else None


def test_the_life_of_a_model(luna: RunningLuna) -> None:
    assert ask(luna, "/api/inference") == (200, {"WingmanItems": []})
    assert ask(luna, "/api/inference/status") == (200, [])
    options = f"contextSize=512&gpuLayers=0&chatTemplate={quote('{{ messages[0].content }}')}"
    code, item = ask(luna, f"/api/inference/start?{KEY}&{options}&address=127.0.0.1&port=6567")
    assert code == 202
    assert isinstance(item.pop("created"), int)
    assert isinstance(item.pop("updated"), int)
    assert item == {
        "isa": "WingmanItem",
        "alias": ALIAS,
        "status": "queued",
        "modelRepo": "ann/tiny",
        "filePath": ALIAS,
        "address": "127.0.0.1",
        "port": 6567,
        "contextSize": 512,
        "gpuLayers": 0,
        "chatTemplate": "{{ messages[0].content }}",
        "force": False,
        "error": "",
    }
    eventually(lambda: status(luna) == "inferring")
    assert ask(luna, f"/api/inference/start?{KEY}")[0] == 208
    listed = ask(luna, f"/api/inference?alias={ALIAS}")[1]["WingmanItems"]
    assert [each["status"] for each in listed] == ["inferring"]
    assert ask(luna, "/api/inference?alias=nothing")[1] == {"WingmanItems": []}

    rendered = post(luna, "/apply-template", {"messages": [{"role": "user", "content": "Hi!"}]})
    assert json.loads(rendered.body) == {"prompt": "Hi!"}
    assert luna.get("/props")["default_generation_settings"]["n_ctx"] == 512
    chat = {"model": ALIAS, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    assert json.loads(post(luna, "/v1/chat/completions", chat).body)["model"] == ALIAS

    code, before = ask(luna, f"/api/inference/stop?alias={ALIAS}")
    assert (code, before["status"]) == (200, "inferring")
    assert status(luna) == "complete"
    assert "tiny" not in [each["model"] for each in luna.get("/luna/engines")["engines"]]
    code, before = ask(luna, f"/api/inference/reset?alias={ALIAS}")
    assert (code, before["status"]) == (200, "complete")
    assert ask(luna, f"/api/inference/status?alias={ALIAS}") == (200, [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("start", 422),
        ("start?alias=a&modelRepo=b", 422),
        ("start?alias=a&modelRepo=b&filePath=nothing.gguf", 404),
        ("start?alias=a&modelRepo=b&filePath=../../etc/passwd", 404),
        (f"start?{KEY}&contextSize=many", 422),
        (f"start?{KEY}&contextSize=-1", 422),
        (f"start?{KEY}&port=65536", 422),
        (f"start?{KEY}&chatTemplate=nonsense", 422),
        ("start?alias=a%0Ab&modelRepo=b&filePath=tiny.gguf", 422),
        (f"start?alias={'a' * 256}&modelRepo=b&filePath=tiny.gguf", 422),
        ("stop", 422),
        ("stop?alias=nothing", 404),
        ("reset", 422),
        ("reset?alias=nothing", 404),
    ],
)
def test_what_cannot_be(luna: RunningLuna, query: str, code: int) -> None:
    told, body = ask(luna, f"/api/inference/{query}")
    assert told == code
    assert body["error"]["message"]
    assert ask(luna, "/api/inference")[1] == {"WingmanItems": []}


def test_a_model_that_cannot_be_loaded_says_why(luna: RunningLuna) -> None:
    query = "alias=bad&modelRepo=ann/tiny&filePath=broken.gguf"
    assert ask(luna, f"/api/inference/start?{query}")[0] in (202, 404)
    eventually(lambda: status(luna, "bad") == "error")
    (item,) = ask(luna, "/api/inference/status?alias=bad")[1]
    assert item["error"]
    assert ask(luna, "/api/inference/reset?alias=bad")[0] == 200


def test_a_chat_template_that_cannot_be_read_says_so(luna: RunningLuna) -> None:
    ask(luna, f"/api/inference/start?{KEY}&contextSize=128")
    eventually(lambda: status(luna) == "inferring")
    template = quote("{% for x in y %}")
    query = f"alias=odd&modelRepo=ann/tiny&filePath={ALIAS}&chatTemplate={template}"
    assert ask(luna, f"/api/inference/start?{query}")[0] == 202
    eventually(lambda: status(luna, "odd") == "error")
    assert "chat template" in ask(luna, "/api/inference/status?alias=odd")[1][0]["error"]
    eventually(lambda: status(luna) == "inferring")  # it is as it was
    for alias in ("odd", ALIAS):
        assert ask(luna, f"/api/inference/reset?alias={alias}")[0] == 200


def test_two_models_at_once_come_back_after_a_restart(tmp_path: Path, models: list[Path]) -> None:
    other = "alias=second&modelRepo=ann/tiny&filePath=other.gguf&chatTemplate=chatml"
    with RunningLuna(tmp_path, models=models) as luna:
        assert ask(luna, f"/api/inference/start?{KEY}&contextSize=256")[0] == 202
        eventually(lambda: status(luna) == "inferring")
        assert ask(luna, f"/api/inference/start?{other}")[0] == 202
        eventually(lambda: status(luna, "second") == "inferring")
        luna.kill()
    with RunningLuna(tmp_path, models=[]) as luna:
        for alias in (ALIAS, "second"):
            eventually(lambda: status(luna, alias) == "inferring")  # noqa: B023
        (item,) = ask(luna, f"/api/inference/status?alias={ALIAS}")[1]
        assert item["contextSize"] == 256
        assert luna.get("/v1/models")["data"][0]["id"] == "other"


def test_a_client_writes_to_the_log(luna: RunningLuna) -> None:
    line = {"isa": "WingmanLogItem", "level": "warn", "message": "a\nb", "timestamp": 5}
    answer = post(luna, "/api/utils/log", line)
    assert (answer.status, answer.body) == (200, b"")
    assert "127.0.0.1 says 'a\\nb'" in luna.log
    assert post(luna, "/api/utils/log", line | {"message": "x" * 5000}).status == 422
    assert post(luna, "/api/utils/log", line | {"level": "loud"}).status == 422
    codes = [post(luna, "/api/utils/log", line).status for _ in range(60)]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_the_server_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        with Wire(luna.port) as wire:
            refused = wire.request("/api/shutdown", "X-Forwarded-For: 192.168.1.9")
            assert refused.status == 403
        with Wire(luna.port) as wire:
            answer = wire.request("/api/shutdown")
        assert (answer.status, answer.body) == (200, b"Shutting down")
        assert answer.fields["content-type"].startswith("text/plain")
        assert luna.wait() == 0
        assert "shuts the server down" in luna.log
