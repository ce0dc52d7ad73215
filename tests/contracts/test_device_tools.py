"""Tools that the server runs itself, and those that it must never run."""

from __future__ import annotations

from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from tests.contracts.asking import HELLO, text_of, tool
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")
CLOCK = "get_current_time"


def asked(client: OpenAI, tools: list[Any] | None = None, **fields: Any) -> ChatCompletion:
    """An answer of a few words; `fields` go into the body as they are."""
    body = fields | ({} if tools is None else {"tools": tools})
    done: ChatCompletion = client.chat.completions.create(
        model="luna-small", messages=HELLO, max_tokens=80, extra_body=body
    )
    return done


def prompt_tokens(done: ChatCompletion) -> int:
    """Tokens of all prompts that were needed."""
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    return done.usage.prompt_tokens


def test_all_are_offered(client: OpenAI) -> None:
    none, some = asked(client), asked(client, luna_tools=[CLOCK])
    everything = asked(client, luna_tools=True)
    assert prompt_tokens(none) < prompt_tokens(some) < prompt_tokens(everything)
    assert prompt_tokens(asked(client, luna_tools=False)) == prompt_tokens(none)


@pytest.mark.parametrize(
    "tools", [[CLOCK], [{"type": "function", "function": {"name": CLOCK}}]], ids=["name", "bare"]
)
def test_naming_one_is_asking_for_it(client: OpenAI, tools: list[Any]) -> None:
    assert prompt_tokens(asked(client, tools)) == prompt_tokens(asked(client, luna_tools=[CLOCK]))


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_answered_by_the_server(client: OpenAI, stream: bool) -> None:
    once = prompt_tokens(asked(client, luna_tools=[CLOCK]))
    body = {"luna_tools": [CLOCK]}
    choice: Any = {"type": "function", "function": {"name": CLOCK}}
    if stream:
        chunks = list(
            client.chat.completions.create(
                model="luna-small",
                messages=HELLO,
                max_tokens=80,
                tool_choice=choice,
                parallel_tool_calls=False,
                extra_body=body,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        usage, text = chunks[-1].usage, text_of(chunks)
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        assert [delta.role for delta in deltas if delta.role] == ["assistant"]
        assert not any(delta.tool_calls for delta in deltas)
        reasons = [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
    else:
        done = client.chat.completions.create(
            model="luna-small",
            messages=HELLO,
            max_tokens=80,
            tool_choice=choice,
            parallel_tool_calls=False,
            extra_body=body,
        )
        usage, text = done.usage, done.choices[0].message.content or ""
        assert done.choices[0].message.tool_calls is None
        reasons = [done.choices[0].finish_reason]
    # Two rounds: the second prompt holds the first one, the call and its result.
    assert usage is not None
    assert usage.prompt_tokens > 2 * once
    assert usage.completion_tokens > 80
    assert reasons == ["length"]
    assert text


def test_a_clients_tool_is_returned_and_not_run(client: OpenAI) -> None:
    # The client's own definition of a device tool's name makes it the client's.
    own = tool(CLOCK, zone="UTC")
    done = asked(client, [own], tool_choice="required", luna_tools=True)
    (choice,) = done.choices
    assert choice.finish_reason in ("tool_calls", "length")
    named: Any = {"type": "function", "function": {"name": CLOCK}}
    done = asked(client, [own], tool_choice=named, luna_tools=True, parallel_tool_calls=False)
    (call,) = done.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.arguments.replace(" ", "").replace("\n", "") == '{"zone":"UTC"}'
    assert done.choices[0].finish_reason == "tool_calls"


def test_mixed_with_a_clients_own(client: OpenAI) -> None:
    ring: Any = {"type": "function", "function": {"name": "ring"}}
    done = asked(
        client,
        [tool("ring", bell="front"), CLOCK],
        tool_choice=ring,
        parallel_tool_calls=False,
    )
    (call,) = done.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "ring"


def test_they_are_listed(luna: RunningLuna) -> None:
    assert CLOCK in luna.get("/health")["tools_loaded"]
