"""The whole life of Wingman's desktop application with a real server and a real hub."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contracts.wingman.front_end import FrontEnd
from tests.helpers.hub import FakeHub, Fault
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import eventually

REPO, FILE = "ann/tiny-GGUF", "tiny-Q4_K_M.gguf"
KEY = {"modelRepo": REPO, "filePath": FILE}
ALIAS = {"alias": FILE}  # the application names a model by the path of its file


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub({REPO: {FILE: tiny_model().read_bytes()}}) as hub:
        yield hub


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now; the application's are the same before and after a restart."""
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


def serve(folder: Path, hub: FakeHub, ports: list[int]) -> RunningLuna:
    settings = f'[downloads]\noffers = ["{REPO}"]\n'
    for port in ports:
        settings += f'[[server.listeners]]\nhost = "127.0.0.1"\nport = {port}\n'
        settings += 'dialect = "wingman"\n'
    environ = {"LUNA_DOWNLOADS_HUB": hub.url}
    return RunningLuna(folder, settings=settings, models=[], environ=environ)


def test_a_life(tmp_path: Path, hub: FakeHub) -> None:
    ports = control, inference = free_ports(2)
    with FrontEnd(control, inference) as app:
        with serve(tmp_path, hub, ports) as luna:
            connects(app, 1)
            fetches(app, hub)
            starts_and_chats(app)
            talks_to_others(app, control)
            luna.kill()
        app.heard.clear()
        with serve(tmp_path, hub, ports) as luna:
            connects(app, 2)
            comes_back(app)
            stops_and_resets(app)
            app.say("shutdown")
            assert luna.wait() == 0
        eventually(lambda: not app.online.is_set())
        assert "stopping" in [status["status"] for status in app.frames("status")]


def connects(app: FrontEnd, times: int) -> None:
    eventually(lambda: app.connections == times, "a connection")
    eventually(lambda: app.frames("DownloadService") and app.frames("WingmanService"))


def fetches(app: FrontEnd, hub: FakeHub) -> None:
    eventually(lambda: REPO in offered(app), "what the hub offers")
    assert not offered(app)[REPO][FILE]
    assert app.current() == {}
    assert app.frames("DownloadItems")[-1] == []
    hold = threading.Event()
    hub.faults.append(Fault(cut=100_000, hold=hold))
    assert app.get("downloads/enqueue", **KEY)[0] == 202
    assert app.get("downloads/enqueue", **KEY)[0] == 208
    app.wait_for("download", FILE, "downloading")
    eventually(lambda: 0 < app.item(FILE)["progress"] < 100)
    eventually(lambda: (app.download_service["currentDownload"] or {}).get("progress"))
    assert app.download_service["status"] == "downloading"
    assert app.download_service["currentDownload"]["filePath"] == FILE
    hold.set()
    app.wait_for("download", FILE, "complete")
    eventually(lambda: app.download_service["status"] == "ready")
    assert app.download_service["currentDownload"] is None
    assert app.item(FILE)["progress"] == 100
    single = [each["status"] for each in app.frames("download_status")]
    assert single[-1] == "complete"
    eventually(lambda: offered(app)[REPO][FILE])


def offered(app: FrontEnd) -> dict[str, dict[str, bool]]:
    """Whether each file of each model is here."""
    models = app.get("models")[1]["models"]
    return {
        model["id"]: {item["filePath"]: item["isDownloaded"] for item in model["items"]}
        for model in models
    }


def starts_and_chats(app: FrontEnd) -> None:
    assert app.get("inference/start", **ALIAS, **KEY, gpuLayers=-1)[0] == 202
    app.wait_for("model", FILE, "inferring")
    eventually(lambda: app.wingman_service["status"] == "inferring")
    assert app.current()["alias"] == app.current()["filePath"] == app.wingman_service["alias"]
    assert app.get("inference/start", **ALIAS, **KEY)[0] == 208
    conversation = [{"role": "user", "content": "Hello!"}]
    body = {"model": FILE, "messages": conversation, "max_tokens": 20, "temperature": 0.7}
    chunks = list(app.post("/v1/chat/completions", body))
    assert chunks[-1]["choices"][0]["finish_reason"] in ("length", "stop")
    chunks = list(app.post("/completion", {"prompt": "Hello", "n_predict": 20, "n_keep": -1}))
    assert all({"content", "model", "stop"} <= chunk.keys() for chunk in chunks)
    assert [chunk["stop"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    eventually(lambda: app.time_series and app.time_series[-1]["predicted_count"] > 0)
    assert app.time_series[-1]["predicted_per_second"] > 0
    assert app.parts["system"]["model_alias"] == FILE
    assert app.parts["meta"]["arch"] == "llama"
    metrics = app.frames("metrics")[-1]
    assert metrics.keys() == {"alias", "meta", "system", "tensors", "timings"}
    assert metrics["alias"] == FILE


def talks_to_others(app: FrontEnd, control: int) -> None:
    with FrontEnd(control, 0) as other:
        assert other.online.wait(30)
        other.say(json.dumps({"subscribe": "Note"}))
        other.say("nonsense")
        eventually(lambda: other.frames("error"))
        app.say(json.dumps({"Note": {"text": "hi"}}))
        eventually(lambda: other.frames("Note") == [{"text": "hi"}])
    assert not app.frames("Note")


def comes_back(app: FrontEnd) -> None:
    """After a power cut everything is as it was."""
    app.wait_for("download", FILE, "complete")
    app.wait_for("model", FILE, "inferring")


def stops_and_resets(app: FrontEnd) -> None:
    assert app.get("inference/stop", alias="unknown")[0] == 404
    status, item = app.get("inference/stop", **ALIAS)
    assert (status, item["status"]) == (200, "inferring")
    eventually(lambda: app.current() == {})
    eventually(lambda: app.frames("WingmanItems")[-1][0]["status"] == "complete")
    eventually(lambda: app.wingman_service["status"] == "ready")
    assert app.get("inference/reset", **ALIAS)[0] == 200
    eventually(lambda: app.frames("WingmanItems")[-1] == [])
    assert app.get("downloads/reset", **KEY)[0] == 200
    eventually(lambda: app.frames("DownloadItems")[-1] == [])
    eventually(lambda: not offered(app).get(REPO, {}).get(FILE))
