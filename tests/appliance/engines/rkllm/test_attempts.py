"""Answers that must have a form are asked for again, and never without end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import pytest

from appliance.domain.events import Content, Event, Finish, Reasoning, ToolCallDelta, Usage
from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.domain.requests import ChatRequest, Generation, ResponseFormat, ToolChoice
from appliance.engines.rkllm import attempts
from appliance.engines.rkllm.attempts import Ending
from appliance.engines.rkllm.chat.answer import Piece
from appliance.engines.rkllm.chat.jsonmode import ATTEMPTS
from appliance.errors import EngineError

ASKED = ChatRequest(Generation("m"), (Message(Role.USER, "Hi"),), tools=(ToolDefinition("ring"),))
CALL = ToolCallDelta(0, "{}", "call_1", "ring")
JSON = replace(ASKED, response_format=ResponseFormat("json_object"))
MUST = replace(ASKED, tool_choice=ToolChoice("required"))


class Model:
    """Answers in turn, the last one again and again."""

    def __init__(self, *answers: list[Piece]) -> None:
        self._answers = answers
        self.reason = "stop"
        self.asked: list[ChatRequest] = []
        self.closed = 0

    def __call__(self, request: ChatRequest) -> Generator[Piece, None, Ending]:
        self.asked.append(request)
        pieces = self._answers[min(len(self.asked), len(self._answers)) - 1]
        try:
            yield from pieces
        finally:
            self.closed += 1
        calls = sum(isinstance(piece, ToolCallDelta) for piece in pieces)
        reason = "tool_calls" if calls else self.reason
        return Ending(Finish(reason, Usage(3, 2)), calls)  # type: ignore[arg-type]


def events(request: ChatRequest, model: Model) -> list[Event]:
    return list(attempts.chat(request, model))


def test_plain_answers_are_told_as_they_come() -> None:
    said: list[Piece] = [Reasoning("a"), Content("b"), CALL]
    assert events(ASKED, Model(said)) == [*said, Finish("tool_calls", Usage(3, 2))]


def test_valid_json_is_told_once() -> None:
    model = Model([Reasoning("hm"), Content('```json\n{"a"'), Content(": 1}\n```")])
    assert events(JSON, model) == [
        Reasoning("hm"),
        Content('{"a": 1}'),
        Finish("stop", Usage(3, 2)),
    ]
    assert len(model.asked) == 1


def test_other_text_is_asked_for_again_and_all_is_counted() -> None:
    model = Model([Content("no")], [Content("{}")])
    assert events(JSON, model) == [Content("{}"), Finish("stop", Usage(6, 4))]
    assert len(model.asked[1].messages) == len(model.asked[0].messages) + 2


def test_json_that_never_comes_has_an_end() -> None:
    model = Model([Content("no")])
    assert events(JSON, model)[0] == Content("no")
    assert len(model.asked) == ATTEMPTS


def test_what_was_cut_is_not_asked_for_again() -> None:
    model = Model([Content('{"a')])
    model.reason = "length"
    assert events(JSON, model)[-1] == Finish("length", Usage(3, 2))
    assert len(model.asked) == 1


def test_a_call_counts_as_an_answer_where_json_is_wanted() -> None:
    assert events(JSON, Model([Content("I ring."), CALL])) == [
        Content("I ring."),
        CALL,
        Finish("tool_calls", Usage(3, 2)),
    ]


def test_a_required_call_is_asked_for_again() -> None:
    model = Model([Content("No, thanks.")], [Content("Well. "), CALL])
    assert events(MUST, model) == [Content("Well. "), CALL, Finish("tool_calls", Usage(6, 4))]


def test_a_required_call_that_never_comes_is_an_error() -> None:
    model = Model([Content("No.")])
    with pytest.raises(EngineError, match="required to call ring"):
        events(MUST, model)
    assert len(model.asked) == model.closed == ATTEMPTS


@pytest.mark.parametrize("request_", [ASKED, MUST])
def test_closing_ends_the_run(request_: ChatRequest) -> None:
    model = Model([CALL, Content("more")])
    answer = attempts.chat(request_, model)
    assert next(answer) == CALL
    answer.close()  # type: ignore[attr-defined]
    assert model.closed == 1
