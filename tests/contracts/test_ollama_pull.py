"""The `ollama` package fetches models from a hub."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import ollama
import pytest

from tests.helpers.hub import FakeHub, Fault
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import Wire, eventually

pytestmark = pytest.mark.needs("engine")
SIZE = tiny_model().stat().st_size


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    model = tiny_model().read_bytes()
    files = {"little-Q4_K_M.gguf": model, "little-Q8_0.gguf": model}
    with FakeHub({"ann/little": files, "ann/huge": {"huge-Q4_0.gguf": model}}) as hub:
        yield hub


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, hub: FakeHub) -> Iterator[RunningLuna]:
    folder, environ = tmp_path_factory.mktemp("pull"), {"LUNA_DOWNLOADS_HUB": hub.url}
    with RunningLuna(folder, models=[], environ=environ) as luna:
        yield luna


@pytest.fixture
def app(own: RunningLuna) -> Iterator[ollama.Client]:
    with ollama.Client(own.url, timeout=30) as client:
        yield client


def names(app: ollama.Client) -> list[str | None]:
    return [model.model for model in app.list().models]


def test_a_model_is_pulled_used_copied_and_deleted(app: ollama.Client) -> None:
    name = "hf.co/ann/little:Q8_0"
    told = list(app.pull(name, stream=True))
    assert told[0].status == "pulling manifest"
    assert told[-1].status == "success"
    counts = [part for part in told if part.digest]
    assert all(part.total == SIZE for part in counts)
    assert counts[-1].completed == SIZE
    assert (counts[-1].digest or "").startswith("sha256:")
    assert "little-Q8_0:latest" in names(app)
    assert app.generate(name, "x", options={"num_predict": 8}).response
    app.copy(name, "mine")
    app.delete(name)
    assert "mine:latest" in names(app)
    assert "little-Q8_0:latest" not in names(app)
    app.delete("mine")


def test_without_a_quantisation_the_best_comes(app: ollama.Client) -> None:
    assert app.pull("hf.co/ann/little").status == "success"
    assert "little-Q4_K_M:latest" in names(app)
    assert app.pull("hf.co/ann/little").status == "success"
    assert app.show("hf.co/ann/little").details is not None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        ("hf.co/ann/none", 404, "no 'ann/none'"),
        ("hf.co/ann/little:Q9_K", 404, "Q4_K_M, Q8_0"),
        ("llama9", 400, "hf.co/owner"),
    ],
)
def test_what_cannot_be_pulled(
    app: ollama.Client, name: str, status: int, why: str, stream: bool
) -> None:
    with pytest.raises(ollama.ResponseError, match=why) as caught:
        list(app.pull(name, stream=True)) if stream else app.pull(name)
    assert caught.value.status_code == status


@pytest.mark.parametrize("stream", [False, True])
def test_what_goes_wrong_in_the_middle_is_the_last_word(
    app: ollama.Client, hub: FakeHub, stream: bool
) -> None:
    hub.faults.append(Fault(body=b"\0" * SIZE))
    with pytest.raises(ollama.ResponseError, match="checksum"):
        list(app.pull("ann/huge", stream=True)) if stream else app.pull("ann/huge")


def test_who_leaves_does_not_end_it(own: RunningLuna, app: ollama.Client, hub: FakeHub) -> None:
    hold = threading.Event()
    hub.faults.append(Fault(cut=1000, hold=hold))
    body = b'{"model": "ann/huge"}'
    head = f"POST /api/pull HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with Wire(own.port) as wire:
        wire.send(head.encode() + body)
        eventually(lambda: not hub.faults, "the request for the file")
    hold.set()
    eventually(lambda: "huge-Q4_0:latest" in names(app), "the model")


def test_pages_of_elsewhere_pull_nothing(own: RunningLuna) -> None:
    with Wire(own.port) as wire:
        answer = wire.request(
            "/api/pull", "Origin: http://evil.example", body=b'{"model": "ann/little"}'
        )
    assert answer.status == 403
