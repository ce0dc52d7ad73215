from __future__ import annotations

from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.domain.patience import Patience
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    ToolChoice,
    prompt_size,
)


def test_a_size_is_never_zero_and_grows_with_the_text() -> None:
    generation = Generation("m")
    empty = ChatRequest(generation, ())
    short = ChatRequest(generation, (Message(Role.USER, "é"),))
    long = ChatRequest(generation, (Message(Role.USER, "é" * 3000),))
    assert 0 < prompt_size(empty) < prompt_size(short) < prompt_size(long)
    assert prompt_size(CompletionRequest(generation, "")) > 0


def test_tokens_are_counted() -> None:
    assert prompt_size(CompletionRequest(Generation("m"), (1, 2, 3))) == 3


def test_a_long_prompt_is_waited_for_longer() -> None:
    patience = Patience(stall=60, slowest_prefill=5)
    assert patience.first_token(0) == 60
    assert patience.first_token(8000) == 60 + 1600


def test_the_choice_of_a_tool_says_which_ones_may_be_called() -> None:
    clock, weather = ToolDefinition("clock"), ToolDefinition("weather")

    def offered(choice: ToolChoice) -> tuple[ToolDefinition, ...]:
        return ChatRequest(Generation("m"), (), (clock, weather), tool_choice=choice).offered

    assert offered(ToolChoice()) == (clock, weather)
    assert offered(ToolChoice("required", "clock")) == (clock,)
    assert offered(ToolChoice("none")) == ()
