from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Event, Finish
from appliance.domain.messages import Message, Role
from appliance.domain.patience import Patience
from appliance.domain.requests import ChatRequest, CompletionRequest, Generation
from appliance.domain.sampling import Sampling
from appliance.engines.base import Engine, ModelSpec
from appliance.engines.llamacpp.engine import LlamaCpp
from appliance.errors import Cancelled, ContextTooLong, EngineDied, LunaError, ModelLoadFailed
from appliance.settings import CpuEngineSettings
from appliance.system.processes import Spawner
from tests.helpers.server import tiny_model
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("engine")
PATIENCE_S = 60.0
SETTINGS = CpuEngineSettings(slots=1, threads=1)
GREEDY = Sampling(temperature=0.0, seed=1)


@pytest.fixture(scope="module")
def spawner() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()


def make(path: Path, spawner: Spawner, context: int = 512) -> LlamaCpp:
    size = path.stat().st_size if path.exists() else 0
    spec = ModelSpec("tiny", path, size, context=context)
    return LlamaCpp(spec, SETTINGS, spawner, Patience())


def ended(engine: Engine, options: Mapping[str, Any]) -> Finish:
    generation = replace(limited(), options=options)
    return finish_of(list(engine.complete(CompletionRequest(generation, "Hi"), CancelToken())))


@pytest.fixture(scope="module")
def engine(spawner: Spawner) -> Iterator[LlamaCpp]:
    engine = make(tiny_model(), spawner)
    engine.start()
    engine.wait_ready(PATIENCE_S)
    yield engine
    engine.stop()


def limited(tokens: int = 8) -> Generation:
    return Generation("tiny", max_tokens=tokens, sampling=GREEDY)


def chat(engine: Engine, text: str = "Hi", tokens: int = 8) -> list[Event]:
    request = ChatRequest(limited(tokens), (Message(Role.USER, text),))
    return list(engine.chat(request, CancelToken()))


def finish_of(events: list[Event]) -> Finish:
    assert isinstance(events[-1], Finish)
    return events[-1]


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Content))


def failure_of(engine: Engine) -> LunaError:
    engine.start()
    with pytest.raises(LunaError) as caught:
        engine.wait_ready(PATIENCE_S)
    return caught.value


def test_it_is_loaded(engine: LlamaCpp) -> None:
    assert engine.state == "loaded"
    assert engine.pid is not None
    assert (engine.slots, engine.context) == (1, 512)


def test_a_chat_has_an_end_with_counts_and_speed(engine: LlamaCpp) -> None:
    events = chat(engine)
    finish = finish_of(events)
    assert finish.reason == "length"
    assert finish.usage.completion == 8
    assert finish.usage.prompt > 1
    assert finish.timings is not None
    assert finish.timings.generated_tokens == 8
    assert text_of(events)


def test_a_completion_of_text_and_of_its_tokens_are_alike(engine: LlamaCpp) -> None:
    tokens = engine.tokenize("the quick", CancelToken())
    texts = [
        list(engine.complete(CompletionRequest(limited(), prompt), CancelToken()))
        for prompt in ("the quick", tokens)
    ]
    assert text_of(texts[0]) == text_of(texts[1])
    assert finish_of(texts[1]).usage.prompt == len(tokens)


def test_a_completion_tells_its_tokens_and_details(engine: LlamaCpp) -> None:
    request = CompletionRequest(limited(), "the quick")
    events = list(engine.complete(request, CancelToken()))
    said = [token for event in events if isinstance(event, Content) for token in event.tokens]
    assert len(said) in (7, 8)  # the last one may end within a character
    details = finish_of(events).details
    assert details is not None
    assert (details.slot, details.stop, details.prompt) == (0, "limit", "the quick")
    assert details.settings["n_predict"] == 8
    assert details.held >= 8


def test_options_of_llama_cpp_reach_it(engine: LlamaCpp) -> None:
    grammar = 'root ::= "a" "b"'
    details = ended(engine, {"grammar": grammar, "dry_multiplier": 0.5}).details
    assert details is not None
    assert details.stop == "eos"
    assert details.settings["dry_multiplier"] == 0.5
    assert details.settings["grammar"] == grammar


def test_what_stands_between_is_filled_in(engine: LlamaCpp) -> None:
    request = CompletionRequest(limited(), "def f():", suffix="return 1")
    assert finish_of(list(engine.complete(request, CancelToken()))).usage.completion == 8


@pytest.mark.parametrize("text", ["the quick brown fox", "né 🌙", "<|im_end|>", ""])
def test_tokens_can_be_turned_back(engine: LlamaCpp, text: str) -> None:
    tokens = engine.tokenize(text, CancelToken())
    assert engine.detokenize(tokens, CancelToken()) == text


def test_vectors_have_length_one_and_keep_their_order(engine: LlamaCpp) -> None:
    one = engine.embed(("the quick",), CancelToken())
    both = engine.embed(("brown fox", "the quick"), CancelToken())
    assert both.vectors[1] == pytest.approx(one.vectors[0], abs=1e-4)
    assert both.vectors[0] != pytest.approx(one.vectors[0], abs=1e-2)
    assert [math.hypot(*vector) for vector in both.vectors] == pytest.approx([1, 1], abs=1e-4)
    assert both.prompt_tokens > one.prompt_tokens
    tokens = engine.tokenize("the quick", CancelToken())
    again = engine.embed((tokens,), CancelToken())
    assert again.vectors[0] == pytest.approx(one.vectors[0], abs=1e-4)
    assert finish_of(chat(engine)).usage.completion == 8  # the chat child is still there


def test_too_long_a_prompt_is_refused_with_counts(engine: LlamaCpp) -> None:
    with pytest.raises(ContextTooLong, match="512"):
        chat(engine, "the quick brown fox " * 1000)


def test_cancelling_frees_the_only_slot(engine: LlamaCpp) -> None:
    cancel = CancelToken()
    request = ChatRequest(limited(400), (Message(Role.USER, "Hi"),))
    events = engine.chat(request, cancel)
    next(events)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)
    assert finish_of(chat(engine)).usage.completion == 8


def test_closing_frees_the_only_slot(engine: LlamaCpp) -> None:
    events = engine.chat(ChatRequest(limited(400), (Message(Role.USER, "Hi"),)), CancelToken())
    next(events)
    del events
    assert finish_of(chat(engine)).usage.completion == 8


def test_a_killed_engine_is_told_and_comes_back(engine: LlamaCpp) -> None:
    pid, restarts = engine.pid, engine.restarts
    assert pid is not None
    events = engine.chat(ChatRequest(limited(450), (Message(Role.USER, "Hi"),)), CancelToken())
    next(events)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineDied):
        list(events)
    eventually(lambda: engine.restarts == restarts + 1)
    engine.wait_ready(PATIENCE_S)
    assert engine.pid != pid
    assert finish_of(chat(engine)).usage.completion == 8


def test_a_damaged_file_is_explained(tmp_path: Path, spawner: Spawner) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(tiny_model().read_bytes()[:-50_000])
    engine = make(path, spawner)
    error = failure_of(engine)
    assert isinstance(error, ModelLoadFailed)
    assert "copy it again" in error.message
    assert engine.state == "failed"
    engine.stop()


def test_a_missing_file_is_explained(tmp_path: Path, spawner: Spawner) -> None:
    engine = make(tmp_path / "none.gguf", spawner)
    error = failure_of(engine)
    assert isinstance(error, ModelLoadFailed)
    assert error.message.endswith(".")
    engine.stop()
    assert engine.state == "unloaded"
    assert engine.pid is None


def test_a_missing_llama_server_is_explained(spawner: Spawner) -> None:
    spec = ModelSpec("tiny", tiny_model(), 1, context=64)
    settings = CpuEngineSettings(llama_server=Path("/no/such/llama-server"))
    engine = LlamaCpp(spec, settings, spawner, Patience())
    assert "/no/such/llama-server cannot be run" in failure_of(engine).message
    engine.stop()
