from __future__ import annotations

from collections.abc import Sequence

import pytest

from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.engines.rkllm.chat.stable import common_prefix, stable_prefix
from appliance.engines.rkllm.chat.template import ChatTemplate
from tests.appliance.engines.rkllm.chat import templates

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
WEATHER = ToolDefinition("weather", "Tells the weather.")


def stable(source: str, *messages: Message, tools: tuple[ToolDefinition, ...] = ()) -> str:
    """The stable text of a prompt; each character is a token."""
    template = ChatTemplate(source, special_tokens=SPECIAL)

    def render(conversation: Sequence[Message]) -> list[int]:
        return [ord(char) for char in template.render(conversation, tools)]

    return "".join(map(chr, stable_prefix(render, messages, render(messages))))


SYSTEM = Message(Role.SYSTEM, "Be kind.")
TURNS = (Message(Role.USER, "Zoo?"), Message(Role.ASSISTANT, "Yes"), Message(Role.USER, "0"))


def test_it_ends_where_the_question_begins() -> None:
    begin = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n"
    assert stable(templates.QWEN25, SYSTEM, *TURNS) == begin
    assert stable(templates.QWEN25, SYSTEM, TURNS[2]) == begin
    assert stable(templates.PHI, *TURNS) == "<|user|>\n"


def test_tools_are_part_of_it_where_they_come_first() -> None:
    told = stable(templates.QWEN25, SYSTEM, *TURNS, tools=(WEATHER,))
    assert "Tells the weather." in told
    assert told.endswith("<|im_start|>user\n")
    told = stable(templates.LLAMA31, SYSTEM, *TURNS, tools=(WEATHER,))
    assert "Tells the weather." in told  # within the first question
    told = stable(templates.MISTRAL, *TURNS, tools=(WEATHER,))
    assert told == "<s>["  # before the last question


@pytest.mark.parametrize(
    ("one", "other", "size"),
    [((1, 2, 3), (1, 2, 4), 2), ((1,), (1, 2), 1), ((), (1,), 0), ((1, 2), (1, 2), 2)],
)
def test_the_common_prefix(one: tuple[int, ...], other: tuple[int, ...], size: int) -> None:
    assert common_prefix(one, other) == size
