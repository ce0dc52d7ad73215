"""The `ollama` package: models listed, shown, loaded, let go, copied, deleted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ollama
import pytest

from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import Wire, eventually

pytestmark = pytest.mark.needs("engine")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    """A server whose models come and go."""
    with RunningLuna(tmp_path_factory.mktemp("ollama")) as luna:
        luna.wait_loaded()
        yield luna


@pytest.fixture
def app(own: RunningLuna) -> Iterator[ollama.Client]:
    with ollama.Client(own.url, timeout=30) as client:
        yield client


def names(app: ollama.Client) -> list[str | None]:
    return [model.model for model in app.list().models]


def in_memory(app: ollama.Client) -> list[str | None]:
    return [model.model for model in app.ps().models]


def test_the_default_model_is_first(app: ollama.Client) -> None:
    first, *others = app.list().models
    assert first.model == "tiny:latest"
    assert "luna-guide:latest" in [each.model for each in others]
    assert first.modified_at is not None
    assert datetime.now(UTC) - first.modified_at < timedelta(hours=1)
    assert (first.size or 0) > 400_000
    assert first.details is not None
    assert first.details.quantization_level == "F16"


@pytest.mark.parametrize("name", ["tiny", "tiny:latest", "TINY", "luna-small"])
def test_a_model_is_shown_under_all_its_names(app: ollama.Client, name: str) -> None:
    shown = app.show(name)
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.architecture"] == "llama"
    assert "insert" in (shown.capabilities or [])
    assert "num_ctx" in (shown.parameters or "")


def test_a_model_that_is_not_there(app: ollama.Client) -> None:
    actions: Any = (app.show, app.delete, lambda name: app.copy(name, "x"))
    for action in actions:
        with pytest.raises(ollama.ResponseError, match="gpt-9") as caught:
            action("gpt-9")
        assert caught.value.status_code == 404


def test_a_model_stays_as_long_as_is_wished(app: ollama.Client) -> None:
    loaded = app.generate("tiny", keep_alive="1h")
    assert (loaded.done, loaded.done_reason, loaded.response) == (True, "load", "")
    (model,) = app.ps().models
    assert model.expires_at is not None
    assert timedelta(minutes=59) < model.expires_at - datetime.now(UTC) < timedelta(minutes=61)
    app.chat("tiny", [{"role": "user", "content": "x"}], keep_alive=-1, options={"num_predict": 1})
    (model,) = app.ps().models
    assert model.expires_at is not None
    assert model.expires_at - datetime.now(UTC) > timedelta(days=9999)
    assert model.context_length == 2048


def test_a_model_is_let_go_and_comes_back(app: ollama.Client) -> None:
    assert app.chat("tiny", keep_alive=0).done_reason == "unload"
    eventually(lambda: in_memory(app) == [], "the end of the model")
    assert app.embed("tiny", "Hello", keep_alive="10m").embeddings
    eventually(lambda: in_memory(app) == ["tiny:latest"], "the model")
    app.generate("tiny", "x", keep_alive=0.05, options={"num_predict": 1})
    eventually(lambda: in_memory(app) == [], "the end of the model")


def test_vectors(app: ollama.Client) -> None:
    done = app.embed("tiny", ["Hello", "world"], dimensions=8)
    assert [len(vector) for vector in done.embeddings] == [8, 8]
    assert sum(value * value for value in done.embeddings[0]) == pytest.approx(1)
    assert (done.prompt_eval_count or 0) > 0
    older = app.embeddings("tiny", "Hello").embedding
    assert older == pytest.approx(app.embed("tiny", "Hello").embeddings[0], abs=1e-6)
    assert app.embed("tiny", "").embeddings == []
    assert app.embeddings("tiny", "").embedding == []


def test_too_long_a_text_is_cut_unless_that_is_forbidden(app: ollama.Client) -> None:
    text = "one two " * 1000
    done = app.embed("tiny", ["Hello", text])
    assert [len(vector) for vector in done.embeddings] == [64, 64]
    with pytest.raises(ollama.ResponseError, match="pieces") as caught:
        app.embed("tiny", text, truncate=False)
    assert caught.value.status_code == 400


def test_a_copy_is_a_model_of_its_own(app: ollama.Client, own: RunningLuna) -> None:
    shutil.copy(tiny_model(), own.models / "first.gguf")
    eventually(lambda: "first:latest" in names(app), "the new model")
    app.copy("first", "second")
    app.generate("second", "x", options={"num_predict": 1})
    app.delete("first")
    assert "first:latest" not in names(app)
    assert app.generate("second", "x", options={"num_predict": 8}).response
    app.delete("second")
    assert names(app) == ["tiny:latest", "luna-guide:latest"]
    eventually(lambda: "second:latest" not in in_memory(app), "the end of the deleted model")
    assert sorted(path.name for path in own.models.iterdir()) == ["tiny.gguf"]


def test_luna_s_own_model_stays(app: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="Luna itself"):
        app.delete("luna-guide")


def test_pages_of_elsewhere_delete_nothing(own: RunningLuna) -> None:
    body = b'{"source": "tiny", "destination": "stolen"}'
    with Wire(own.port) as wire:
        answer = wire.request("/api/copy", "Origin: http://evil.example", body=body)
    assert answer.status == 403
    assert b'{"error":"A web page' in answer.body


def test_a_pull_of_what_is_here_succeeds(app: ollama.Client) -> None:
    assert app.pull("tiny").status == "success"
    assert [part.status for part in app.pull("tiny", stream=True)][-1] == "success"


@pytest.mark.parametrize("stream", [False, True])
def test_a_pull_of_what_is_not_says_what_to_do(app: ollama.Client, stream: bool) -> None:
    with pytest.raises(ollama.ResponseError, match="copy a model file"):
        list(app.pull("llama9", stream=True)) if stream else app.pull("llama9")
