"""What llama.cpp itself answers, through a real child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Finish
from appliance.domain.messages import Message, Role
from appliance.domain.patience import Patience
from appliance.domain.requests import ChatRequest, CompletionRequest, Generation
from appliance.engines.base import ModelSpec
from appliance.engines.llamacpp.engine import LlamaCpp
from appliance.errors import BadRequest, Unsupported
from appliance.settings import CpuEngineSettings
from appliance.system.processes import Spawner
from tests.helpers.server import tiny_model

pytestmark = pytest.mark.needs("engine")
NEVER = CancelToken()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCpp]:
    spawner = Spawner()
    spec = ModelSpec("tiny", tiny_model(), 1, context=256)
    settings = CpuEngineSettings(slots=2, threads=1)
    engine = LlamaCpp(spec, settings, spawner, Patience(), tmp_path_factory.mktemp("slots"))
    engine.start()
    engine.wait_ready(60.0)
    yield engine
    engine.stop()
    spawner.close()


def complete(engine: LlamaCpp, prompt: str, slot: int) -> Finish:
    generation = Generation("tiny", max_tokens=4, options={"id_slot": slot})
    *_, last = engine.complete(CompletionRequest(generation, prompt), NEVER)
    assert isinstance(last, Finish)
    return last


def test_the_template_shows_the_prompt(engine: LlamaCpp) -> None:
    request = ChatRequest(Generation("tiny"), (Message(Role.USER, "Hello"),))
    prompt = engine.extras.apply_template(request, NEVER)
    assert "<|im_start|>user\nHello<|im_end|>" in prompt


@pytest.mark.parametrize("text", ["né 🌙 x", "", "<|im_end|>"])
def test_pieces_are_the_bytes_of_the_tokens(engine: LlamaCpp, text: str) -> None:
    pieces = engine.extras.pieces(text, NEVER, add_special=False, parse_special=True)
    assert b"".join(piece.raw for piece in pieces) == text.encode()
    assert tuple(piece.id for piece in pieces) == engine.tokenize(text, NEVER)


def test_special_tokens_are_text_where_that_is_wanted(engine: LlamaCpp) -> None:
    text = "<|im_end|>"
    plain = engine.extras.pieces(text, NEVER, add_special=False, parse_special=False)
    assert len(plain) > 1


def test_properties(engine: LlamaCpp) -> None:
    told = engine.extras.properties()
    assert "<|im_start|>" in told.chat_template
    assert told.eos_token == "<|im_end|>"
    assert told.settings["top_k"] == 40
    assert "supports_tools" in told.abilities


def test_slots_tell_what_they_did(engine: LlamaCpp) -> None:
    complete(engine, "the quick brown fox", slot=1)
    slots = engine.extras.slot_states()
    assert [slot.id for slot in slots] == [0, 1]
    assert {slot.context for slot in slots} == {256}
    assert not slots[1].busy
    assert slots[1].task >= 0
    assert slots[1].held > 4
    assert slots[1].settings["n_predict"] == 4


def test_a_slot_can_be_saved_and_restored_into_another(engine: LlamaCpp) -> None:
    prompt = "the quick brown fox jumps over the lazy dog"
    complete(engine, prompt, slot=1)
    saved = engine.extras.save_slot(1, "fox.bin", NEVER)
    assert (saved.slot, saved.name) == (1, "fox.bin")
    assert saved.tokens > 8
    assert saved.size_bytes > 0
    assert engine.extras.erase_slot(0, NEVER) >= 0
    restored = engine.extras.restore_slot(0, "fox.bin", NEVER)
    assert (restored.tokens, restored.size_bytes) == (saved.tokens, saved.size_bytes)
    assert complete(engine, prompt, slot=0).usage.cached > 4
    assert engine.extras.erase_slot(0, NEVER) > 4
    assert complete(engine, prompt, slot=0).usage.cached == 0


@pytest.mark.parametrize("slot", [-1, 2, 10**6])
def test_a_slot_that_is_not_there_is_told(engine: LlamaCpp, slot: int) -> None:
    with pytest.raises(BadRequest, match="slots 0 to 1"):
        engine.extras.erase_slot(slot, NEVER)


def test_names_of_files_are_checked(engine: LlamaCpp, tmp_path: Path) -> None:
    for act in (engine.extras.save_slot, engine.extras.restore_slot):
        with pytest.raises(BadRequest, match="Invalid filename"):
            act(0, f"../../{tmp_path.name}/x", NEVER)
    with pytest.raises(BadRequest, match="no saved slot"):
        engine.extras.restore_slot(0, "none.bin", NEVER)


def test_a_model_that_was_not_trained_for_it_ranks_nothing(engine: LlamaCpp) -> None:
    with pytest.raises(Unsupported, match="not trained to rank"):
        engine.extras.rerank("a", ("b",), NEVER)


def test_a_token_that_is_not_there_is_the_callers_fault(engine: LlamaCpp) -> None:
    with pytest.raises(BadRequest, match="vocabulary"):
        engine.detokenize((10**6,), NEVER)
