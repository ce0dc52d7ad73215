"""One conversation with tools: the same call in every dialect, and the same for the model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import ollama
import openai
import pytest

from appliance.domain.messages import Message, Role, ToolCall
from appliance.domain.requests import ChatRequest
from appliance.engines.scripted import Token
from tests.contracts.scripted import Stage, performing

ARGUMENTS = {"city": "Oslo", "days": [1, 2], "note": 'ä\n"quoted"'}
CALLS = [
    ToolCall("call_1", "get_weather", json.dumps(ARGUMENTS)),
    ToolCall("call_2", "ring", "{}"),
]
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where"}},
    "required": ["city"],
}
QUESTION, ANSWER, RESULTS = "Weather?", "It is cold.", ("7 degrees", "done")
Found = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """What a client understood: the calls of the first answer, and the text of the second."""

    calls: list[Found]
    answer: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("stage")) as stage:
        stage.script = say
        yield stage


def say(request: Any) -> list[Token]:
    """Two calls to a question, and a sentence to their results."""
    answered = [message for message in request.messages if message.role is Role.TOOL]
    return [ANSWER.encode()] if answered else [b"Let me see.", *CALLS]


def openai_chat(url: str, stream: bool) -> Told:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        function = {"name": "get_weather", "description": "Weather.", "parameters": PARAMETERS}
        tools: Any = [
            {"type": "function", "function": function},
            {"type": "function", "function": {"name": "ring"}},
        ]
        history: Any = [{"role": "user", "content": QUESTION}]
        asked: Any = {"model": "m", "tools": tools}
        if stream:
            with client.chat.completions.stream(messages=history, **asked) as events:
                message: Any = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(messages=history, **asked).choices[0].message
        calls = message.tool_calls
        history.append(message.to_dict())
        for call, result in zip(calls, RESULTS, strict=True):
            history.append({"role": "tool", "tool_call_id": call.id, "content": result})
        done = client.chat.completions.create(messages=history, **asked)
        found = [(call.function.name, json.loads(call.function.arguments)) for call in calls]
        return Told(found, done.choices[0].message.content or "")


def openai_responses(url: str, stream: bool) -> Told:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        tools: Any = [
            {
                "type": "function",
                "name": "get_weather",
                "description": "Weather.",
                "parameters": PARAMETERS,
            },
            {"type": "function", "name": "ring"},
        ]
        history: Any = [{"role": "user", "content": QUESTION}]
        asked: Any = {"model": "m", "tools": tools}
        if stream:
            *_, last = client.responses.create(input=history, stream=True, **asked)
            assert last.type == "response.completed"
            output: Any = last.response.output
        else:
            output = client.responses.create(input=history, **asked).output
        calls = [item for item in output if item.type == "function_call"]
        history += [item.to_dict() for item in output]
        for call, result in zip(calls, RESULTS, strict=True):
            done = {"type": "function_call_output", "call_id": call.call_id, "output": result}
            history.append(done)
        answer = client.responses.create(input=history, **asked).output_text
        return Told([(call.name, json.loads(call.arguments)) for call in calls], answer)


def anthropic_messages(url: str, stream: bool) -> Told:
    options: Any = {"api_key": "none", "max_retries": 0}
    with anthropic.Anthropic(base_url=url, **options) as client:
        tools: Any = [
            {"name": "get_weather", "description": "Weather.", "input_schema": PARAMETERS},
            {"name": "ring", "input_schema": {"type": "object"}},
        ]
        history: Any = [{"role": "user", "content": QUESTION}]
        asked: Any = {"model": "m", "max_tokens": 99, "tools": tools}
        if stream:
            with client.messages.stream(messages=history, **asked) as events:
                content: Any = events.get_final_message().content
        else:
            content = client.messages.create(messages=history, **asked).content
        calls = [block for block in content if block.type == "tool_use"]
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, result in zip(calls, RESULTS, strict=True)
        ]
        history += [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
        answer: Any = client.messages.create(messages=history, **asked)
        return Told([(call.name, call.input) for call in calls], answer.content[0].text)


def ollama_chat(url: str, stream: bool) -> Told:
    with ollama.Client(url) as client:
        function = {"name": "get_weather", "description": "Weather.", "parameters": PARAMETERS}
        tools: Any = [
            {"type": "function", "function": function},
            {"type": "function", "function": {"name": "ring"}},
        ]
        history: Any = [{"role": "user", "content": QUESTION}]
        if stream:
            parts = list(client.chat("m", history, tools=tools, stream=True))
            text = "".join(part.message.content or "" for part in parts)
            calls: Any = [call for part in parts for call in part.message.tool_calls or ()]
            history.append({"role": "assistant", "content": text, "tool_calls": calls})
        else:
            message: Any = client.chat("m", history, tools=tools).message
            calls = message.tool_calls
            history.append(message)
        for call, result in zip(calls, RESULTS, strict=True):
            history.append({"role": "tool", "tool_name": call.function.name, "content": result})
        answer = client.chat("m", history, tools=tools).message.content
        found = [(call.function.name, dict(call.function.arguments)) for call in calls]
        return Told(found, answer or "")


CLIENTS: list[Callable[[str, bool], Told]] = [
    openai_chat,
    openai_responses,
    anthropic_messages,
    ollama_chat,
]


def plain(messages: tuple[Message, ...]) -> list[Any]:
    """Turns without the ids of calls, each result beside the call that it answers."""
    calls = [call for message in messages for call in message.tool_calls]
    places = {call.id: index for index, call in enumerate(calls)}
    return [
        (
            message.role,
            message.content,
            [(call.name, json.loads(call.arguments)) for call in message.tool_calls],
            places.get(message.tool_call_id or ""),
        )
        for message in messages
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", CLIENTS)
def test_the_same_calls_and_the_same_conversation(
    stage: Stage, client: Callable[[str, bool], Told], stream: bool
) -> None:
    stage.asked.clear()
    told = client(stage.url, stream)
    assert told == Told([("get_weather", ARGUMENTS), ("ring", {})], ANSWER)
    first, second = stage.asked
    assert isinstance(first, ChatRequest)
    assert isinstance(second, ChatRequest)
    assert [tool.name for tool in first.tools] == ["get_weather", "ring"]
    assert first.tools[0].description == "Weather."
    assert first.tools[0].parameters == PARAMETERS
    assert plain(first.messages) == [(Role.USER, QUESTION, [], None)]
    assert plain(second.messages) == [
        (Role.USER, QUESTION, [], None),
        (Role.ASSISTANT, "Let me see.", [("get_weather", ARGUMENTS), ("ring", {})], None),
        (Role.TOOL, RESULTS[0], [], 0),
        (Role.TOOL, RESULTS[1], [], 1),
    ]
