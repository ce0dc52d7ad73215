"""The Python SDK, installed by itself, against a running server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import luna_client
from appliance.engines.scripted import always
from appliance.errors import EngineDied, ModelLoading
from luna_client import ApiError, ConnectionLost, LunaClient, RateLimited, Retry, Unreachable
from tests.contracts.scripted import Stage, performing
from tests.helpers.server import ROOT, RunningLuna
from tests.helpers.wire import eventually

SDK = ROOT / "appliance/sdk/python"
TRY = """
import sys
import luna_client
assert luna_client.__file__.startswith(sys.argv[2]), luna_client.__file__
assert "appliance" not in sys.modules
with luna_client.LunaClient(sys.argv[1]) as luna:
    print(luna.generate("Hello!", max_tokens=5)["usage"]["completion_tokens"])
    with luna.generate_stream("Hello!", max_tokens=5) as tokens:
        text = "".join(tokens)
        assert text == tokens.completion["text"]
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("stage")) as played:
        yield played


@pytest.fixture
def client(luna: RunningLuna) -> Iterator[LunaClient]:
    with LunaClient(luna.url) as connected:
        yield connected


@pytest.mark.needs("engine")
def test_its_wheel_works_without_the_rest(luna: RunningLuna, tmp_path: Path) -> None:
    tree = shutil.copytree(SDK, tmp_path / "tree")  # a build leaves its traces
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    offline = ["--no-deps", "--no-index"]
    wheel = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*wheel, str(tree)], check=True, capture_output=True)
    (built,) = tmp_path.glob(f"luna_client-{luna_client.__version__}-py3-none-any.whl")
    site = tmp_path / "site"
    install = [*pip, "install", *offline, "--target", str(site), str(built)]
    subprocess.run(install, check=True, capture_output=True)
    assert (site / "luna_client/py.typed").exists()
    done = subprocess.run(
        [sys.executable, "-P", "-c", TRY, luna.url, str(site)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr


@pytest.mark.needs("engine")
def test_a_generation(client: LunaClient) -> None:
    result = client.generate("Hello!", max_tokens=6)
    assert (result["tokens"], result["finish_reason"]) == (6, "length")
    usage = result["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + 6
    assert result["performance"]["tokens_per_second"] > 0


@pytest.mark.needs("engine")
def test_a_stream_is_the_same_text(client: LunaClient) -> None:
    whole = client.generate("Hello!", 12, 0)
    with client.generate_stream("Hello!", 12, 0) as tokens:
        assert "".join(tokens) == whole["text"]
        assert tokens.completion is not None
        assert tokens.completion["usage"] == whole["usage"]


@pytest.mark.needs("engine")
def test_a_schema_binds_the_answer(client: LunaClient) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    result = client.generate("Colour?", 60, json_schema=schema)
    assert result["text"].replace(" ", "").replace("\n", "") == '{"colour":"red"}'


@pytest.mark.needs("engine")
def test_a_wrong_value_is_named(client: LunaClient) -> None:
    with pytest.raises(ApiError, match="top_k") as caught:
        client.generate("Hello!", top_k=1000)
    assert caught.value.code == "VALIDATION_ERROR"
    assert caught.value.status == 400
    assert caught.value.request_id


@pytest.mark.needs("engine")
def test_what_is_left_or_cut_in_mid_stream(tmp_path: Path, slow_model: Path) -> None:
    with RunningLuna(tmp_path, models=[slow_model]) as luna, LunaClient(luna.url) as client:
        luna.wait_loaded()
        with client.generate_stream("Hello!", max_tokens=3000) as tokens:
            next(tokens)
            eventually(lambda: luna.get("/health")["slots_idle"] == 3, "a busy slot")
        eventually(lambda: luna.get("/health")["slots_idle"] == 4, "a free slot")

        cut = client.generate_stream("Hello!", max_tokens=3000)
        next(cut)
        luna.kill()
        with pytest.raises(ConnectionLost):
            list(cut)
        assert cut.completion is None
        with pytest.raises(Unreachable):
            client.get_status()


def test_an_engine_that_dies_in_mid_stream(stage: Stage) -> None:
    stage.script = always(b"Gr\xc3", b"\xbc\xc3\x9f", b"e \xf0\x9f\x8c\x99")
    with LunaClient(stage.url) as client:
        assert "".join(client.generate_stream("Hi")) == "Grüße 🌙"
        stage.failure, stage.fails_at = EngineDied("The engine ended."), 2
        with pytest.raises(ApiError, match="The engine ended") as caught:
            list(client.generate_stream("Hi"))
        assert caught.value.code == "INFERENCE_ERROR"


def test_a_luna_that_has_no_time_is_asked_again(stage: Stage) -> None:
    stage.script, stage.fails_at = always(b"Hello"), 0
    stage.failure = ModelLoading("It is being loaded.", retry_after=2)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        stage.failure = None

    with LunaClient(stage.url, sleep=sleep) as client:
        assert client.generate("Hi")["text"] == "Hello"
    assert slept == [2.0]


@pytest.mark.needs("engine")
def test_the_limit_of_requests_a_minute(tmp_path: Path) -> None:
    slept: list[float] = []
    settings = "[rate]\ngenerate = 2\n"
    with (
        RunningLuna(tmp_path, settings=settings) as luna,
        LunaClient(luna.url, retry=Retry(times=1), sleep=slept.append) as client,
    ):
        luna.wait_loaded()
        for _ in range(2):
            client.generate("Hi", 1)
        with pytest.raises(RateLimited) as caught:
            client.generate("Hi", 1)
        assert (caught.value.code, caught.value.status) == ("RATE_LIMIT", 429)
        assert caught.value.retry_after
        assert 0 < slept[0] <= 60
        assert client.get_status()["status"] == "ready"
