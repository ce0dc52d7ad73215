from __future__ import annotations

from appliance.domain.events import ToolCallDelta
from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.engines.rkllm.chat.flatten import flattened, with_tools
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolformats import HERMES

SYSTEM = Message(Role.SYSTEM, "Be kind.")
ASK = Message(Role.USER, "Köln?")
CLOCK = ToolDefinition("clock", "Tells the time.", {"type": "object", "properties": {"zone": {}}})
CALLED = Message(Role.ASSISTANT, "I look.", tool_calls=(ToolCall("1", "clock", '{"zone": 1}'),))
ANSWER = Message(Role.TOOL, "12:00", tool_call_id="1")


def test_a_question_alone_stays_what_it_is() -> None:
    assert flattened([ASK]) == "Köln?"
    assert flattened([SYSTEM, ASK]) == "Be kind.\n\nKöln?"


def test_turns_are_told_in_their_order() -> None:
    assert flattened([SYSTEM, ASK, Message(Role.ASSISTANT, "Yes"), ASK]) == (
        "Be kind.\n\nThis is a conversation. Write the assistant's next answer only.\n\n"
        "User: Köln?\n\nAssistant: Yes\n\nUser: Köln?\n\nAssistant:"
    )


def test_calls_and_their_answers_are_told() -> None:
    text = flattened([ASK, CALLED, ANSWER])
    call = '<tool_call>{"name": "clock", "arguments": {"zone": 1}}</tool_call>'
    assert f"Assistant: I look.\n{call}\n\nFunction: 12:00\n\nAssistant:" in text


def test_a_model_is_told_its_tools() -> None:
    first, *rest = with_tools([SYSTEM, ASK], [CLOCK])
    assert first.role is Role.SYSTEM
    assert first.content.startswith("Be kind.\n\nYou may call functions.")
    assert '\n{"name":"clock","description":"Tells the time.","parameters":{' in first.content
    assert rest == [ASK]
    assert with_tools([ASK], [ToolDefinition("x")])[0].role is Role.SYSTEM


def test_what_the_model_is_told_to_write_is_a_call() -> None:
    (told,) = with_tools([], [ToolDefinition("its name")])
    events = ToolCallParser(HERMES, [ToolDefinition("its name")]).feed(told.content)
    assert any(isinstance(event, ToolCallDelta) for event in events)


def test_turns_of_tools_become_plain_ones() -> None:
    _, ask, called, answer = with_tools([ASK, CALLED, ANSWER], [CLOCK])
    assert ask == ASK
    assert called.tool_calls == ()
    assert called.content.endswith("</tool_call>")
    assert answer == Message(Role.USER, "The function answered: 12:00")
