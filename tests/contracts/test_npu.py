"""The official client against models on the NPU: the simulator, in both generations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.contracts.asking import HELLO, connect, text_of, tool
from tests.helpers.server import RunningLuna
from tests.helpers.wire import Wire
from tests.processes.clients import together
from tests.rkllm_sim import language, models
from tests.rkllm_sim.build import library

pytestmark = pytest.mark.needs("g++")
TOOLS = [tool("get_weather", city="Oslo"), tool("ring", bell="front")]
CALL = '<tool_call>\n{"name": "ring", "arguments": {"bell": "front"}}\n</tool_call>'
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}},
    "required": ["colour"],
}


def settings(version: str) -> str:
    return f"[npu_engine]\nlibrary = {json.dumps(str(library(version)))}\n"


@pytest.fixture(scope="module", params=["1.2.3", "1.3.0"])
def npu(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("npu")
    own = folder / "models" / "sim"
    language.write(own)
    (own / "luna.toml").write_text('context = 8192\naliases = ["npu"]\n', "utf-8")
    models.write(
        own / "model.rkllm",
        max_context=16384,
        bytes=1,
        reply="Grüß dich! I am a model.",
        if1="weather",
        then1=f"I ring.{CALL}",
        if2="was red",
        then2='Well: {"colour": "red"}',
        if3="repeat",
        then3="@settings",
        if4="think",
        then4="<think>Hm.</think>Yes.",
        if5='"arguments": {',
        then5='"bell": "front"}}\n</tool_call>',
        fault="segfault",
        fault_if="crash",
    )
    with RunningLuna(folder, settings=settings(request.param), models=[]) as luna:
        luna.wait_loaded()
        yield luna


@pytest.fixture(scope="module")
def client(npu: RunningLuna) -> Iterator[OpenAI]:
    with connect(npu) as connected:
        yield connected


def ask(client: OpenAI, text: str = "Hello", **fields: Any) -> Any:
    messages: Any = [{"role": "user", "content": text}]
    body: Any = {"model": "sim", "messages": messages}
    return client.chat.completions.create(**body | fields)


def test_the_model_is_listed_first(client: OpenAI) -> None:
    first = next(iter(client.models.list()))
    assert first.id == "sim"


def test_an_answer_and_its_usage(client: OpenAI) -> None:
    done = ask(client)
    (choice,) = done.choices
    assert choice.message.content == "Grüß dich! I am a model."
    assert choice.finish_reason == "stop"
    assert done.usage.completion_tokens == len("Grüß dich! I am a model.".encode())
    assert done.usage.prompt_tokens > len("Hello")


def test_a_stream_is_the_same_answer(client: OpenAI) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert text_of(chunks) == "Grüß dich! I am a model."
    assert chunks[-1].usage.completion_tokens == 26
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_limits_and_stop_strings(client: OpenAI) -> None:
    cut = ask(client, max_tokens=4).choices[0]
    assert (cut.message.content, cut.finish_reason) == ("Grü", "length")
    stopped = ask(client, stop=[" I am"]).choices[0]
    assert (stopped.message.content, stopped.finish_reason) == ("Grüß dich!", "stop")


def test_several_choices(client: OpenAI) -> None:
    assert [c.message.content for c in ask(client, n=3, max_tokens=2).choices] == ["Gr"] * 3


def test_a_follow_up_is_not_computed_again(client: OpenAI) -> None:
    answer = ask(client).choices[0].message
    hello = {"role": "user", "content": "Hello"}
    messages = [hello, answer, {"role": "user", "content": "And?"}]
    usage = ask(client, messages=messages).usage
    assert usage.prompt_tokens_details.cached_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_tools_that_the_model_calls(client: OpenAI, stream: bool) -> None:
    answer = ask(client, "What is the weather?", tools=TOOLS, stream=stream)
    if stream:
        chunks = list(answer)
        deltas = [d for c in chunks for d in c.choices[0].delta.tool_calls or []]
        arguments = "".join(delta.function.arguments or "" for delta in deltas)
        name, reason = deltas[0].function.name, chunks[-1].choices[0].finish_reason
        said = text_of(chunks)
    else:
        (call,) = answer.choices[0].message.tool_calls
        arguments, name = call.function.arguments, call.function.name
        reason, said = answer.choices[0].finish_reason, answer.choices[0].message.content
    assert (name, json.loads(arguments)) == ("ring", {"bell": "front"})
    assert (said, reason) == ("I ring.", "tool_calls")


def test_a_named_call(client: OpenAI) -> None:
    choice = {"type": "function", "function": {"name": "ring"}}
    message = ask(client, "Do it.", tools=TOOLS, tool_choice=choice).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("ring", {"bell": "front"})


@pytest.mark.parametrize("stream", [False, True])
def test_json_that_fits_a_schema(client: OpenAI, stream: bool) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "mood", "schema": SCHEMA}}
    answer = ask(client, "It was red.", response_format=wanted, stream=stream)
    text = text_of(answer) if stream else answer.choices[0].message.content
    assert json.loads(text) == {"colour": "red"}


def test_thoughts(client: OpenAI) -> None:
    message = ask(client, "think").choices[0].message
    assert (message.reasoning_content, message.content) == ("Hm.", "Yes.")


def test_completions(client: OpenAI) -> None:
    done = client.completions.create(model="sim", prompt="Once", max_tokens=2, echo=True)
    assert done.choices[0].text == "OnceGr"
    tokens = client.completions.create(model="sim", prompt=[79, 110], max_tokens=2)
    assert tokens.choices[0].text == "Gr"


def test_vectors(client: OpenAI) -> None:
    found = client.embeddings.create(model="sim", input=["a text", "a text", "other"])
    one, same, other = (row.embedding for row in found.data)
    assert one == same != other
    assert found.usage.prompt_tokens == 17


def test_what_has_no_effect_is_named(client: OpenAI, npu: RunningLuna) -> None:
    body: Any = {"model": "sim", "messages": HELLO, "seed": 3, "temperature": 0, "logprobs": True}
    raw = client.chat.completions.with_raw_response.create(**body)
    ignored = set(raw.headers["x-luna-ignored"].split(", "))
    assert ignored - {"temperature"} == {"seed", "logprobs"}
    told = ask(client, "repeat", temperature=0).choices[0].message.content
    assert ("temperature" in ignored) == ("temperature=0.000" not in told)


def test_a_prompt_that_is_too_long_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "x" * 9000, model="npu")
    assert caught.value.code == "context_length_exceeded"
    assert "8192 tokens" in caught.value.message


def test_pictures_are_refused(client: OpenAI) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(openai.BadRequestError):
        ask(client, messages=[{"role": "user", "content": [picture]}])


def test_llama_cpps_clients_see_the_template_the_slot_and_the_word_that_ended(
    npu: RunningLuna,
) -> None:
    def told(path: str, body: Any = None) -> Any:
        sent = b"" if body is None else json.dumps(body).encode()
        with Wire(npu.port) as wire:
            answer = wire.request(path, "Content-Type: application/json", body=sent)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    prompt = told("/apply-template", {"model": "sim", "messages": HELLO})["prompt"]
    assert HELLO[0]["content"] in prompt
    properties = told("/props")
    assert properties["chat_template"]
    assert properties["build_info"].startswith("rkllm 1.")
    (slot,) = told("/slots")
    assert (slot["n_ctx"], slot["is_processing"]) == (8192, False)
    done = told("/completion", {"model": "sim", "prompt": "Hello", "stop": [" I am"]})
    assert (done["stop_type"], done["stopping_word"]) == ("word", " I am")


def test_many_clients_take_turns(npu: RunningLuna, client: OpenAI) -> None:
    answers = together(8, lambda number: ask(client, f"Hello {number}", max_tokens=2))
    assert [answer.choices[0].message.content for answer in answers] == ["Gr"] * 8


def test_a_crash_is_an_error_and_the_next_request_works(client: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client, "crash")
    assert caught.value.code == "engine_died"
    assert ask(client, max_tokens=2).choices[0].message.content == "Gr"


def test_a_missing_library_is_told_with_its_remedy(tmp_path: Path) -> None:
    own = tmp_path / "models" / "sim"
    own.mkdir(parents=True)
    models.write(own / "model.rkllm")
    missing = f"[npu_engine]\nlibrary = '{tmp_path / 'none.so'}'\n[models]\nfallback = false\n"
    with RunningLuna(tmp_path, settings=missing, models=[]) as luna, connect(luna) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            ask(client)
        assert caught.value.code == "model_load_failed"
        assert "Install librkllmrt.so" in caught.value.message
