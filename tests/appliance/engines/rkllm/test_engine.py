"""The engine as the server uses it, on the simulator in both generations."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Reasoning, ToolCallDelta
from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    ResponseFormat,
    ToolChoice,
)
from appliance.domain.sampling import Sampling
from appliance.engines.rkllm.engine import Rkllm
from appliance.errors import (
    BadRequest,
    Cancelled,
    ContextTooLong,
    EngineDied,
    EngineError,
    ModelLoadFailed,
    Unsupported,
)
from tests.appliance.engines.rkllm.workshop import (
    PATIENCE_S,
    Workshop,
    asked,
    chat,
    failure,
    finish,
    text,
)
from tests.rkllm_sim import language

pytestmark = pytest.mark.needs("g++")
RING = ToolDefinition("ring", "Ring a bell.", {"type": "object"})
CALL = '<tool_call>\n{"name": "ring", "arguments": {"bell": 1}}\n</tool_call>'


def test_a_turn_of_a_conversation(workshop: Workshop) -> None:
    engine = workshop.ready(reply="Grüß dich!")
    assert isinstance(engine, Rkllm)
    assert (engine.slots, engine.context, engine.state) == (1, 2048, "loaded")
    events = chat(engine, asked("Hello"))
    assert text(events) == "Grüß dich!"
    prompt = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    usage = finish(events).usage
    assert usage.prompt == len(engine.tokenize(prompt, CancelToken()))
    assert usage.completion == len("Grüß dich!".encode())
    assert finish(events).reason == "stop"
    timings = finish(events).timings
    assert timings is not None
    assert timings.generated_tokens == usage.completion


def test_the_prompt_is_what_the_template_makes(newest: Workshop) -> None:
    engine = newest.ready(reply="@prompt")
    told = text(chat(engine, asked("Hello", "Hi", "And now?", thinking=False)))
    assert told.startswith("<256>user\nHello<257>\n<256>assistant\nHi<257>\n<256>user\nAnd now?")


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_limit_of_tokens(workshop: Workshop, limit: int) -> None:
    events = chat(workshop.ready(reply="abcdefgh"), asked("Hello", max_tokens=limit))
    assert text(events) == "abcdefgh"[:limit]
    assert finish(events).reason == "length"
    assert finish(events).usage.completion == limit


def test_stop_strings_of_the_request_and_of_the_manifest(workshop: Workshop) -> None:
    engine = workshop.ready(reply="one two three four", npu={"stop": ("three",)})
    events = chat(engine, asked("Hello", stop=("two",)))
    assert (text(events), finish(events).reason) == ("one ", "stop")
    assert text(chat(engine, asked("Hello"))) == "one two "
    assert engine.state == "loaded"


def test_a_prompt_beyond_the_context_is_counted(newest: Workshop) -> None:
    engine = newest.ready(reply="ok", spec={"context": 100})
    assert engine.context == 96
    error = failure(lambda: chat(engine, asked("x" * 200)))
    assert isinstance(error, ContextTooLong)
    assert "96 tokens, but the prompt has 2" in error.message
    assert text(chat(engine, asked("short"))) == "ok"


def test_an_answer_up_to_the_end_of_the_context(workshop: Workshop) -> None:
    engine = workshop.ready(reply="y" * 500, spec={"context": 128})
    events = chat(engine, asked("x"))
    usage = finish(events).usage
    assert usage.prompt + usage.completion == 128
    assert finish(events).reason == "length"


def test_thoughts_are_told_apart(newest: Workshop) -> None:
    engine = newest.ready(reply="<think>Hm.</think>Yes.")
    events = chat(engine, asked("Hello"))
    assert (text(events, Reasoning), text(events)) == ("Hm.", "Yes.")
    events = chat(engine, asked("Hello", reasoning_in_content=True))
    assert text(events) == "<think>Hm.</think>Yes."


def test_tool_calls_are_told_as_such(newest: Workshop) -> None:
    engine = newest.ready(reply=f"I ring.{CALL}")
    events = chat(engine, asked("Ring!", tools=(RING,)))
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [call.name for call in calls if call.id] == ["ring"]
    assert json.loads("".join(call.arguments for call in calls)) == {"bell": 1}
    assert text(events) == "I ring."
    assert finish(events).reason == "tool_calls"
    assert text(chat(engine, asked("Ring!"))) == f"I ring.{CALL}"


def test_a_required_call_begins_in_the_prompt(newest: Workshop) -> None:
    engine = newest.ready(reply='"bell": 2}}\n</tool_call>')
    request = asked("Ring!", tools=(RING,), tool_choice=ToolChoice("required"))
    events = chat(engine, request)
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert calls[0].name == "ring"
    assert json.loads("".join(call.arguments for call in calls)) == {"bell": 2}
    assert text(events) == ""


def test_json_is_asked_for_again_until_it_fits(newest: Workshop) -> None:
    schema = {"type": "object", "required": ["a"]}
    engine = newest.ready(
        reply="I would say 7.", if1="cannot be used", then1='Here: ```json\n{"a": 7}\n```'
    )
    wanted = asked("What?", response_format=ResponseFormat("json_schema", schema))
    events = chat(engine, wanted)
    assert json.loads(text(events)) == {"a": 7}
    single = finish(chat(engine, asked("What?"))).usage
    assert finish(events).usage.prompt > 2 * single.prompt


def test_without_a_tokenizer_the_runtimes_template_is_used(newest: Workshop) -> None:
    engine = newest.ready(fluent=False, reply="@prompt", if1="Ring!", then1=CALL)
    assert text(chat(engine, asked("Hello"))) == "Hello"
    rules = Message(Role.SYSTEM, "Be kind.")
    request = asked("Hello", "Hi", "And now?")
    events = chat(engine, replace(request, messages=(rules, *request.messages)))
    told = text(events)
    assert told.startswith("Be kind.")
    assert told.endswith("User: Hello\n\nAssistant: Hi\n\nUser: And now?\n\nAssistant:")
    assert finish(events).usage.prompt == len(told)
    assert finish(chat(engine, asked("Ring!", tools=(RING,)))).reason == "tool_calls"
    for work in (
        lambda: list(engine.complete(CompletionRequest(Generation("m"), "x"), CancelToken())),
        lambda: engine.tokenize("x", CancelToken()),
    ):
        error = failure(work)
        assert isinstance(error, Unsupported)
        assert "tokenizer" in error.message


def test_completions(newest: Workshop) -> None:
    engine = newest.ready(reply="@prompt")
    for prompt in ("Grüße", tuple("Grüße".encode())):
        events = list(engine.complete(CompletionRequest(Generation("m"), prompt), CancelToken()))
        assert text(events) == "Grüße"
        assert finish(events).usage.prompt == 7
    odd = CompletionRequest(Generation("m"), (258,))
    assert isinstance(failure(lambda: list(engine.complete(odd, CancelToken()))), BadRequest)
    infill = CompletionRequest(Generation("m"), "a", suffix="b")
    assert isinstance(failure(lambda: list(engine.complete(infill, CancelToken()))), Unsupported)


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_vectors_have_length_one(workshop: Workshop, pooling: str) -> None:
    engine = workshop.ready(npu={"pooling": pooling}, hidden=8)
    found = engine.embed(("hello", (104, 101, 108, 108, 111), "other"), CancelToken())
    first, same, other = found.vectors
    assert first == same != other
    assert [len(vector) for vector in found.vectors] == [8, 8, 8]
    assert all(math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-6) for vector in found.vectors)
    assert found.prompt_tokens == 15


def test_tokens_and_text(newest: Workshop) -> None:
    engine = newest.ready()
    tokens = engine.tokenize("ü<|im_end|>", CancelToken())
    assert tokens == (0xC3, 0xBC, 257)
    assert engine.detokenize(tokens, CancelToken()) == "ü<|im_end|>"


def test_sampling_reaches_the_runtime_or_is_named(workshop: Workshop) -> None:
    engine = workshop.ready(reply="@settings", spec={"defaults": Sampling(top_p=0.5, top_k=9)})
    wanted = Generation("m", sampling=Sampling(temperature=0.0, seed=3), logprobs=2)
    told = text(chat(engine, replace(asked("x"), generation=wanted)))
    ignored = set(engine.ignored(wanted))
    assert "top_p=0.500" in told
    if workshop.version == "1.3.0":
        assert "top_k=1 " in told
        assert "temperature=0.000" in told
        assert ignored == {"seed", "logprobs"}
    else:
        assert "top_k=9" in told
        assert ignored == {"seed", "temperature", "logprobs"}


def test_an_adapter_is_chosen_by_its_number(newest: Workshop) -> None:
    engine = newest.ready(reply="@settings")
    folder = newest.folder / "lora"
    folder.mkdir()
    for name in ("rude", "polite"):
        (folder / f"{name}.rkllm").write_text(name, "utf-8")

    def wanted(*pairs: tuple[int, float]) -> ChatRequest:
        options = {"lora": [{"id": id, "scale": scale} for id, scale in pairs], "mirostat": 2}
        return replace(asked("x"), generation=Generation("m", options=options))

    assert "lora=polite@0.5" in text(chat(engine, wanted((0, 0.5))))
    assert "lora=rude@1" in text(chat(engine, wanted((0, 0.0), (1, 1.0))))
    assert "lora=-" in text(chat(engine, asked("x")))
    assert engine.ignored(wanted((0, 0.5)).generation) == ("mirostat",)
    refused = {
        "0: polite, 1: rude": wanted((2, 1.0)),
        "one LoRA adapter at a time": wanted((0, 1.0), (1, 1.0)),
        "0.25, 0.5 and so on up to 2.0": wanted((0, 0.3)),
    }
    for says, request in refused.items():
        error = failure(lambda request=request: chat(engine, request))  # type: ignore[misc]
        assert isinstance(error, BadRequest)
        assert says in error.message


def test_who_leaves_frees_the_npu(workshop: Workshop) -> None:
    engine = workshop.ready(reply="z" * 2000, token_us=2000)
    events = engine.chat(asked("x"), CancelToken())
    next(events)
    events.close()  # type: ignore[attr-defined]
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    assert isinstance(failure(lambda: chat(engine, asked("x"), cancel)), Cancelled)
    timer.join()
    assert text(chat(engine, asked("x", max_tokens=2))) == "zz"


def test_a_crash_is_told_and_the_next_turn_works(workshop: Workshop) -> None:
    engine = workshop.ready(reply="fine", fault="segfault", fault_if="crash")
    assert isinstance(failure(lambda: chat(engine, asked("crash"))), EngineDied)
    engine.wait_ready(PATIENCE_S)
    assert text(chat(engine, asked("x"))) == "fine"


def test_a_process_that_leaks_is_replaced_between_runs(newest: Workshop) -> None:
    engine = newest.ready(reply="x" * 20, leak_kb=2000, settings={"leak_bytes": 60 * 2**20})
    pids = set()
    for _ in range(5):
        engine.wait_ready(PATIENCE_S)
        pids.add(engine.pid)
        assert text(chat(engine, asked("Hello"))) == "x" * 20
    assert len(pids) == 2


def test_a_flood_of_errors_is_told(newest: Workshop) -> None:
    engine = newest.ready(reply="fine", fault="matmul-flood", fault_if="flood")
    error = failure(lambda: chat(engine, asked("flood")))
    assert type(error) is EngineError
    engine.wait_ready(PATIENCE_S)
    assert text(chat(engine, asked("x"))) == "fine"


def test_no_library_is_a_failed_load_with_a_remedy(newest: Workshop) -> None:
    engine = newest.engine(settings={"library": Path("/no/such/librkllmrt.so")})
    error = failure(lambda: engine.wait_ready(PATIENCE_S))
    assert isinstance(error, ModelLoadFailed)
    assert "Install librkllmrt.so 1.3.0" in error.message
    assert engine.state == "failed"


def test_a_broken_tokenizer_is_a_failed_load(newest: Workshop) -> None:
    newest.folder.mkdir()
    (newest.folder / "tokenizer.json").write_text("{}", "utf-8")
    engine = newest.engine(fluent=False)
    assert "tokenizer.json" in failure(lambda: engine.wait_ready(PATIENCE_S)).message
    assert (engine.state, engine.pid) == ("failed", None)
    language.write(newest.folder)
    engine.start()
    engine.wait_ready(PATIENCE_S)


def test_a_template_that_knows_no_tools_is_taught_them(newest: Workshop) -> None:
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    engine = newest.ready(
        spec={"chat_template": template}, reply="@prompt", if1="You may call", then1=CALL
    )
    assert text(chat(engine, asked("Hello"))) == "Hello"
    assert finish(chat(engine, asked("Ring!", tools=(RING,)))).reason == "tool_calls"
