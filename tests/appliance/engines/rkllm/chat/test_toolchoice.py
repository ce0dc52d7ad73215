from __future__ import annotations

import pytest

from appliance.domain.events import ToolCallDelta
from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.domain.requests import ChatRequest, Generation, ToolChoice
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolchoice import (
    forced_opening,
    instruction,
    missing_call,
)
from appliance.engines.rkllm.chat.toolformats import (
    HERMES,
    LLAMA3,
    MISTRAL,
    MISTRAL_NAMED,
    ToolFormat,
    format_of,
)
from tests.appliance.engines.rkllm.chat import templates

CLOCK, WEATHER = ToolDefinition("clock"), ToolDefinition("weather")
REQUIRED = ToolChoice("required")
NAMED = ToolChoice("required", "clock")


def asking(choice: ToolChoice, *tools: ToolDefinition, parallel: bool = True) -> ChatRequest:
    messages = (Message(Role.USER, "Hi"),)
    return ChatRequest(
        Generation("m"), messages, tools, tool_choice=choice, parallel_tool_calls=parallel
    )


@pytest.mark.parametrize("format", [HERMES, LLAMA3, MISTRAL])
@pytest.mark.parametrize("choice", [REQUIRED, NAMED])
def test_a_required_call_is_begun_for_the_model(format: ToolFormat, choice: ToolChoice) -> None:
    opening = forced_opening(format, asking(choice, CLOCK, WEATHER), "assistant\n")
    assert opening is not None
    assert opening.prompt == opening.said
    named = choice.name is not None
    rest = '"a": 1}}' if named else f'clock", "{format.arguments}": {{"a": 1}}}}'
    parser = ToolCallParser(format, [CLOCK, WEATHER], new_id=lambda: "x")
    events = parser.feed(opening.said) + parser.feed(rest) + parser.finish()
    assert all(isinstance(event, ToolCallDelta) for event in events)
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert calls[0].name == "clock"
    assert "".join(call.arguments for call in calls) == '{"a": 1}'


def test_the_openings() -> None:
    some = asking(REQUIRED, CLOCK, WEATHER)
    openings = [forced_opening(format, some, "") for format in (HERMES, LLAMA3, MISTRAL)]
    assert [opening and opening.said for opening in openings] == [
        '<tool_call>\n{"name": "', '{"name": "', '[TOOL_CALLS][{"name": "'
    ]  # fmt: skip
    only = forced_opening(LLAMA3, asking(REQUIRED, CLOCK), "")
    assert only is not None
    assert only.said == '{"name": "clock", "parameters": {'


def test_a_name_before_its_arguments_is_begun_too() -> None:
    only = forced_opening(MISTRAL_NAMED, asking(NAMED, CLOCK, WEATHER), "")
    some = forced_opening(MISTRAL_NAMED, asking(REQUIRED, CLOCK, WEATHER), "")
    assert only is not None
    assert only.said == "[TOOL_CALLS]clock[ARGS]{"
    assert some is not None
    assert some.said == "[TOOL_CALLS]"
    assert format_of("{{ '[TOOL_CALLS]' + name + '[ARGS]' }}") is MISTRAL_NAMED


def test_open_thoughts_are_closed_first() -> None:
    opening = forced_opening(HERMES, asking(NAMED, CLOCK), "<|Assistant|><think>\n")
    assert opening is not None
    assert opening.prompt == "\n</think>\n\n" + opening.said


@pytest.mark.parametrize("choice", [ToolChoice(), ToolChoice("none")])
def test_nothing_is_forced_without_need(choice: ToolChoice) -> None:
    request = asking(choice, CLOCK)
    assert forced_opening(HERMES, request, "") is None
    assert forced_opening(HERMES, asking(REQUIRED), "") is None
    assert instruction(request) == ""
    assert missing_call(request, []) == ""


def test_the_wish_in_words() -> None:
    assert instruction(asking(REQUIRED, CLOCK, WEATHER)) == (
        "Answer with a call of one of the functions, and with nothing else."
    )
    assert "the function clock" in instruction(asking(NAMED, CLOCK, WEATHER))
    assert instruction(asking(ToolChoice(), CLOCK, parallel=False)) == "Call one function at most."


def test_a_missing_call_is_noticed() -> None:
    request = asking(REQUIRED, CLOCK, WEATHER)
    assert missing_call(request, ["clock"]) == ""
    assert "required to call clock or weather, but did not" in missing_call(request, [])


@pytest.mark.parametrize(
    ("source", "format"),
    [
        (templates.QWEN25, HERMES),
        (templates.LLAMA31, LLAMA3),
        (templates.MISTRAL, MISTRAL),
        (templates.GEMMA, None),
        (templates.PHI, None),
        (templates.DEEPSEEK_R1, None),
    ],
)
def test_a_template_tells_the_format(source: str, format: ToolFormat | None) -> None:
    assert format_of(source) is format
