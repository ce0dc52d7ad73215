"""The official client: which models there are, under which names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.contracts.asking import HELLO, connect
from tests.helpers.server import RunningLuna, tiny_model
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("engine")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    """A server where an unknown name is an error."""
    folder = tmp_path_factory.mktemp("strict")
    with RunningLuna(folder, environ={"LUNA_MODELS_FALLBACK": "false"}) as luna:
        yield luna


@pytest.fixture
def broken(strict: RunningLuna) -> Iterator[Path]:
    """Half a model in the folder of the strict server."""
    path = strict.models / "broken.gguf"
    content = tiny_model().read_bytes()
    path.write_bytes(content[: len(content) // 2])
    yield path
    path.unlink()


def test_all_models_the_default_first(client: OpenAI) -> None:
    first, *others = client.models.list()
    assert first.id == "tiny"
    assert first.object == "model"
    assert first.owned_by
    assert first.created > 0
    assert "luna-guide" in [model.id for model in others]
    assert first.to_dict()["aliases"] == ["luna-small"]


@pytest.mark.parametrize("name", ["tiny", "luna-small", "TINY", "tiny:latest"])
def test_one_model(client: OpenAI, name: str) -> None:
    assert client.models.retrieve(name).id == "tiny"


def test_one_that_is_not_there(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-9") as caught:
        client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


def test_an_answer_bears_the_name_that_was_asked_for(client: OpenAI) -> None:
    for asked, answers in (("tiny", "tiny"), ("luna-small", "luna-small"), ("gpt-9", "tiny")):
        done = client.chat.completions.create(model=asked, messages=HELLO, max_tokens=1)
        assert done.model == answers


def test_without_fallback_an_unknown_name_is_an_error(strict: RunningLuna) -> None:
    with connect(strict) as client:
        client.chat.completions.create(model="luna-small", messages=HELLO, max_tokens=1)
        with pytest.raises(openai.NotFoundError, match="tiny") as caught:
            client.chat.completions.create(model="gpt-9", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert caught.value.type == "invalid_request_error"


def test_a_dropped_file_is_served_at_once(strict: RunningLuna) -> None:
    with connect(strict) as client:
        shutil.copy(tiny_model(), strict.models / "dropped.gguf")
        eventually(lambda: "dropped" in [m.id for m in client.models.list()], "the new model")
        done = client.chat.completions.create(model="dropped", messages=HELLO, max_tokens=8)
        assert done.model == "dropped"
        assert done.choices[0].message.content


def test_a_broken_file_is_listed_with_its_reason(strict: RunningLuna, broken: Path) -> None:
    with connect(strict) as client:
        eventually(lambda: "broken" in [m.id for m in client.models.list()], "the broken model")
        status = client.models.retrieve("broken").to_dict()["status"]
        assert isinstance(status, dict)
        assert status["value"] == "failed"
        assert status["reason"]
        with pytest.raises(openai.InternalServerError, match="broken") as caught:
            client.chat.completions.create(model="broken", messages=HELLO)
        assert caught.value.code == "model_load_failed"
        assert str(status["reason"]) in caught.value.message
        done = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=8)
        assert done.choices[0].message.content


def test_a_file_that_was_mended_is_served(strict: RunningLuna, broken: Path) -> None:
    with connect(strict) as client:
        eventually(lambda: "broken" in [m.id for m in client.models.list()], "the broken model")
        shutil.copy(tiny_model(), broken)

        def mended() -> bool:
            status = client.models.retrieve("broken").to_dict()["status"]
            return isinstance(status, dict) and status["value"] != "failed"

        eventually(mended, "the mended model")
        done = client.chat.completions.create(model="broken", messages=HELLO, max_tokens=1)
        assert done.model == "broken"
