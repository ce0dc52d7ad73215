"""The door to the library, against the simulator in both generations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.domain.sampling import Sampling
from appliance.engines.rkllm.abi import LLMCallState, RKLLMInferMode
from appliance.engines.rkllm.failures import CallFailed, InitFailed, RunFailed
from appliance.engines.rkllm.library import Library
from appliance.engines.rkllm.runtime import Runtime
from appliance.engines.rkllm.values import Load, Piece, Run, RunEnd
from appliance.errors import BadRequest, LunaError
from tests.rkllm_sim import models

pytestmark = pytest.mark.needs("g++")
HELLO = Run("hello there")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@contextmanager
def loaded(library: Library, load: Load) -> Iterator[Runtime]:
    runtime = Runtime(library, load)
    try:
        yield runtime
    finally:
        runtime.destroy()


def model(folder: Path, **values: str | int) -> Load:
    return Load(models.write(folder / "model.rkllm", **values))


def heard(runtime: Runtime, run: Run = HELLO) -> tuple[list[Piece], RunEnd]:
    pieces: list[Piece] = []

    def listen(piece: Piece) -> bool:
        pieces.append(piece)
        return True

    return pieces, runtime.run(run, listen)


def text(pieces: list[Piece]) -> str:
    return b"".join(piece.text for piece in pieces).decode()


def settings(runtime: Runtime, run: Run = HELLO) -> dict[str, str]:
    said = text(heard(runtime, run)[0])
    return dict(word.split("=", 1) for word in said.split())


def refusal(kind: type[LunaError], work: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        work()
    return caught.value.message


def test_text_tokens_and_figures_arrive(library: Library, folder: Path) -> None:
    with loaded(library, model(folder, reply="Good day to you.", prefill_us=100)) as runtime:
        pieces, end = heard(runtime)
    assert text(pieces) == "Good day to you."
    *said, last = pieces
    assert {piece.state for piece in said} == {LLMCallState.NORMAL}
    assert all(0 <= piece.token < 32000 for piece in said)
    assert last.state is LLMCallState.FINISH
    assert end.tokens == len(said)
    assert (end.stopped, end.limited) == (False, False)
    assert end.perf == last.perf
    assert end.perf is not None
    assert end.perf.prefill_tokens == 2
    assert end.perf.prefill_ms > 0.1
    assert end.perf.generate_tokens == len(said)
    assert end.perf.memory_mb > 1


def test_the_same_question_has_the_same_answer(library: Library, folder: Path) -> None:
    with loaded(library, model(folder)) as runtime:
        first, again, other = (text(heard(runtime, Run(p))[0]) for p in ("a b", "a b", "a c"))
    assert first == again != other


def test_what_was_loaded_arrives(library: Library, folder: Path) -> None:
    sampling = Sampling(temperature=0.25, top_p=0.5, top_k=7, repeat_penalty=1.5)
    load = replace(
        model(folder, reply="@settings"),
        context=2048,
        max_new_tokens=200,
        sampling=sampling,
        cpus=frozenset({4, 5, 6}),
        domain=3,
        embed_flash=False,
    )
    with loaded(library, load) as runtime:
        found = settings(runtime)
    assert found["top_k"] == "7"
    assert (found["temperature"], found["top_p"], found["repeat_penalty"]) == (
        "0.250",
        "0.500",
        "1.500",
    )
    assert (found["max_context_len"], found["max_new_tokens"]) == ("2048", "200")
    assert (found["base_domain_id"], found["embed_flash"]) == ("3", "0")
    assert (found["cpus"], found["mask"]) == ("3", "0x70")
    assert (found["is_async"], found["n_batch"], found["cross"]) == ("0", "1", "0")
    assert (found["role"], found["thinking"], found["type"]) == ("user", "0", "0")


def test_what_is_not_said_is_the_librarys_default(library: Library, folder: Path) -> None:
    with loaded(library, model(folder, reply="@settings")) as runtime:
        found = settings(runtime, Run("x", role="tool", thinking=True))
    assert (found["top_k"], found["temperature"], found["max_new_tokens"]) == ("40", "0.800", "512")
    assert (found["role"], found["thinking"]) == ("tool", "1")


def test_sampling_of_one_run_is_for_1_3_0(new: Library, folder: Path) -> None:
    wanted = Sampling(temperature=0.0, presence_penalty=0.5, seed=4, min_p=0.1)
    with loaded(new, model(folder, reply="@settings")) as runtime:
        found = settings(runtime, Run("x", sampling=wanted, max_new_tokens=99))
        after = settings(runtime)
    assert (found["temperature"], found["presence_penalty"]) == ("0.000", "0.500")
    assert (found["top_k"], found["max_new_tokens"]) == ("40", "99")
    assert (after["temperature"], after["max_new_tokens"]) == ("0.800", "512")


def test_an_older_library_keeps_to_what_was_loaded(old: Library, folder: Path) -> None:
    load = replace(model(folder, reply="@settings"), sampling=Sampling(top_k=5))
    with loaded(old, load) as runtime:
        found = settings(runtime, Run("x", sampling=Sampling(temperature=0.0, top_k=7)))
    assert (found["temperature"], found["top_k"]) == ("0.800", "5")


def test_a_limit_of_one_run_holds_in_both(library: Library, folder: Path) -> None:
    with loaded(library, model(folder, reply_words=50)) as runtime:
        pieces, end = heard(runtime, replace(HELLO, max_new_tokens=3))
    said = [piece for piece in pieces if piece.token >= 0]
    assert len(said) == end.tokens == 3
    assert end.limited == (library.version.text == "1.2.3")


def test_a_listener_ends_the_run(library: Library, folder: Path) -> None:
    seen: list[Piece] = []

    def twice(piece: Piece) -> bool:
        seen.append(piece)
        return len(seen) < 2

    with loaded(library, model(folder)) as runtime:
        end = runtime.run(HELLO, twice)
        assert end.stopped
        assert len(seen) == 2
        runtime.clear_context()
        assert not heard(runtime)[1].stopped


def test_what_a_listener_raises_is_raised_by_the_run(library: Library, folder: Path) -> None:
    def fail(piece: Piece) -> bool:
        raise ValueError("no")

    with loaded(library, model(folder)) as runtime:
        with pytest.raises(ValueError, match="no"):
            runtime.run(HELLO, fail)
        assert heard(runtime)[1].tokens


def test_an_abort_ends_a_run_and_a_second_run_is_refused(library: Library, folder: Path) -> None:
    begun = threading.Event()
    found: list[RunEnd] = []

    def listen(piece: Piece) -> bool:
        begun.set()
        return True

    with loaded(library, model(folder, reply_words=100000, token_us=1000)) as runtime:
        runtime.abort()  # nothing runs: nothing happens
        worker = threading.Thread(target=lambda: found.append(runtime.run(HELLO, listen)))
        worker.start()
        assert begun.wait(10)
        assert "one thing at a time" in refusal(CallFailed, lambda: heard(runtime))
        assert "one thing at a time" in refusal(CallFailed, runtime.clear_context)
        runtime.abort()
        worker.join(10)
        assert not worker.is_alive()
    assert found[0].stopped


def test_the_context_is_counted_kept_and_cleared(library: Library, folder: Path) -> None:
    kept = Run((5, 6, 7), keep_history=True)
    with loaded(library, model(folder, reply="one two")) as runtime:
        assert runtime.context_tokens() == 0
        _, end = heard(runtime, kept)
        first = runtime.context_tokens()
        assert first == 3 + end.tokens
        heard(runtime, kept)
        assert runtime.context_tokens() == 2 * first
        runtime.clear_context()
        assert runtime.context_tokens() == 0


def test_token_ids_arrive_as_they_are(library: Library, folder: Path) -> None:
    with loaded(library, model(folder, reply="@prompt")) as runtime:
        assert text(heard(runtime, Run((1, 31999, 5)))[0]) == "1,31999,5"


def test_a_prompt_cache_saves_work(library: Library, folder: Path) -> None:
    long = tuple(range(500))
    cache = folder / "cache.bin"
    with loaded(library, model(folder)) as runtime:
        heard(runtime, Run(long, save_cache=cache))
        runtime.clear_context()
        runtime.load_prompt_cache(cache)
        _, end = heard(runtime, Run((*long, 1, 2)))
        assert end.perf is not None
        assert end.perf.prefill_tokens == 2
        runtime.clear_context()
        runtime.release_prompt_cache()
        _, end = heard(runtime, Run((*long, 1, 2)))
        assert end.perf is not None
        assert end.perf.prefill_tokens == 502


def test_a_prompt_cache_of_another_model_is_refused(library: Library, folder: Path) -> None:
    cache = folder / "cache.bin"
    with loaded(library, model(folder, name="one")) as runtime:
        heard(runtime, replace(HELLO, save_cache=cache))
    with loaded(library, model(folder, name="two")) as runtime:
        said = refusal(CallFailed, lambda: runtime.load_prompt_cache(cache))
        assert "delete it" in said
        refusal(CallFailed, lambda: runtime.load_prompt_cache(folder / "none.bin"))


def test_loras_are_used_by_name(library: Library, folder: Path) -> None:
    adapter = folder / "polite.rkllm"
    adapter.write_text("weights", "utf-8")
    with loaded(library, model(folder, reply="@settings")) as runtime:
        assert "no LoRA adapter 'polite'" in refusal(
            BadRequest, lambda: heard(runtime, replace(HELLO, lora="polite"))
        )
        runtime.load_lora("polite", adapter, 0.5)
        assert settings(runtime, replace(HELLO, lora="polite"))["lora"] == "polite"
        assert settings(runtime)["lora"] == "-"
        said = refusal(CallFailed, lambda: runtime.load_lora("rude", folder / "rude.rkllm"))
        assert "rude.rkllm" in said


def test_hidden_states_are_copied_and_their_buffers_given_back(
    library: Library, folder: Path
) -> None:
    run = Run((1, 2, 3), mode=RKLLMInferMode.GET_LAST_HIDDEN_LAYER)
    with loaded(library, model(folder, hidden=64)) as runtime:
        (first, again) = ([p.floats for p in heard(runtime, run)[0] if p.floats] for _ in range(2))
        kept = library.calls["rkllm_sim_kept_buffers"](runtime._handle)
    (floats,) = first
    assert (floats.rows, floats.columns, len(floats.values)) == (3, 64, 192)
    assert floats.row(1) == floats.values[64:128]
    assert any(floats.values)
    assert first == again
    assert kept == 0


def test_logits_arrive(library: Library, folder: Path) -> None:
    run = Run((1, 2, 3), mode=RKLLMInferMode.GET_LOGITS)
    with loaded(library, model(folder, vocab=100)) as runtime:
        (floats,) = [piece.floats for piece in heard(runtime, run)[0] if piece.floats]
    assert (floats.rows, floats.columns) == (1, 100)


@pytest.mark.parametrize("fault", ["half-utf8", "waiting"])
def test_characters_in_pieces_lose_nothing(library: Library, folder: Path, fault: str) -> None:
    words = "Grüße, 世界! 🙂"
    with loaded(library, model(folder, reply=words, fault=fault)) as runtime:
        pieces, _ = heard(runtime)
    assert text(pieces) == words
    states = {piece.state for piece in pieces}
    assert (LLMCallState.WAITING in states) == (fault == "waiting")


@pytest.mark.parametrize("fault", ["init-fails", "npu-memory", "init-null"])
def test_a_load_that_fails_says_so(library: Library, folder: Path, fault: str) -> None:
    assert "model.rkllm" in refusal(
        InitFailed, lambda: Runtime(library, model(folder, fault=fault))
    )


def test_a_load_with_wrong_values_says_so(library: Library, folder: Path) -> None:
    load = model(folder, max_context=1024)
    for wrong in (
        replace(load, context=16384),
        replace(load, cpus=frozenset({4})),
        replace(load, model=folder / "missing.rkllm"),
    ):
        refusal(InitFailed, lambda wrong=wrong: Runtime(library, wrong))  # type: ignore[misc]


@pytest.mark.parametrize("fault", ["run-fails", "run-error", "never-finish"])
def test_a_run_that_fails_says_so(library: Library, folder: Path, fault: str) -> None:
    with loaded(library, model(folder, fault=fault)) as runtime:
        refusal(RunFailed, lambda: heard(runtime))


def test_a_prompt_beyond_the_context_fails(library: Library, folder: Path) -> None:
    load = replace(model(folder), context=64)
    with loaded(library, load) as runtime:
        refusal(RunFailed, lambda: heard(runtime, Run(tuple(range(65)))))
        runtime.clear_context()
        assert heard(runtime, Run(tuple(range(30))))[1].tokens


@pytest.mark.parametrize("prompt", ["", (), "a\0b", (-1,), (2**31,)])
def test_prompts_that_cannot_be_given_are_refused(
    library: Library, folder: Path, prompt: str | tuple[int, ...]
) -> None:
    with loaded(library, model(folder)) as runtime:
        refusal(BadRequest, lambda: heard(runtime, Run(prompt)))


def test_what_was_unloaded_cannot_be_used(library: Library, folder: Path) -> None:
    with loaded(library, model(folder)) as runtime:
        runtime.destroy()
        assert "load it again" in refusal(CallFailed, lambda: heard(runtime))
        runtime.abort()
