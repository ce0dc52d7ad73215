from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import (
    Content,
    Event,
    Finish,
    FinishReason,
    Progress,
    ToolCallDelta,
    Usage,
)
from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import ChatRequest, Generation, ToolChoice
from appliance.errors import Cancelled
from appliance.serving import device_turns
from appliance.serving.toolbox import Toolbox, ToolFailed

CLOCK, WIFI, OWN = ToolDefinition("clock"), ToolDefinition("wifi"), ToolDefinition("own")
REQUEST = ChatRequest(
    Generation("m"),
    (Message(Role.USER, "What time is it?"),),
    tools=(OWN, CLOCK, WIFI),
    tool_choice=ToolChoice("required"),
    device_tools=frozenset({"clock", "wifi"}),
)


class Tools(Toolbox):
    """A toolbox whose tools answer from a table."""

    def __init__(self) -> None:
        super().__init__(())
        self.calls: list[tuple[str, str]] = []

    def run(self, name: str, arguments: str) -> str:
        self.calls.append((name, arguments))
        if name == "wifi":
            raise ToolFailed("There is no WiFi here.")
        return "12:30"


class Model:
    """Says one list of events in each round, and keeps what it was asked."""

    def __init__(self, *rounds: Sequence[Event]) -> None:
        self._rounds = list(rounds)
        self.asked: list[ChatRequest] = []

    def __call__(self, request: ChatRequest, cancel: CancelToken) -> Iterator[Event]:
        self.asked.append(request)
        yield from self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]


def end(reason: FinishReason = "stop") -> Finish:
    return Finish(reason, Usage(10, 2, 1))


def call(index: int, name: str, arguments: str = "{}") -> ToolCallDelta:
    return ToolCallDelta(index, arguments, f"id{index}", name)


CALLS_CLOCK: list[Event] = [Content("Let me see. "), call(0, "clock"), end("tool_calls")]


def run(model: Model, tools: Tools, rounds: int = 4) -> list[Event]:
    return list(device_turns.run(REQUEST, model, tools, rounds, CancelToken()))


def test_an_answer_without_calls_passes() -> None:
    model, tools = Model([Progress(1, 1), Content("hi"), end()]), Tools()
    assert run(model, tools) == [Progress(1, 1), Content("hi"), end()]
    assert model.asked == [REQUEST]
    assert tools.calls == []


def test_a_device_call_is_run_and_the_model_asked_again() -> None:
    model, tools = Model(CALLS_CLOCK, [Content("It is 12:30."), end()]), Tools()
    assert run(model, tools) == [
        Content("Let me see. "),
        Content("It is 12:30."),
        Finish("stop", Usage(20, 4, 2)),
    ]
    assert tools.calls == [("clock", "{}")]
    second = model.asked[1]
    assert second.messages[1:] == (
        Message(Role.ASSISTANT, "Let me see. ", tool_calls=(ToolCall("id0", "clock", "{}"),)),
        Message(Role.TOOL, "12:30", tool_call_id="id0", name="clock"),
    )
    assert second.tools == REQUEST.tools
    assert second.tool_choice == ToolChoice("auto")


def test_arguments_in_pieces_are_joined() -> None:
    pieces: list[Event] = [call(0, "clock", '{"a"'), ToolCallDelta(0, ":1}"), end("tool_calls")]
    tools = Tools()
    run(Model(pieces, [end()]), tools)
    assert tools.calls == [("clock", '{"a":1}')]


def test_a_tool_that_fails_tells_the_model_why() -> None:
    model = Model([call(0, "wifi"), call(1, "clock"), end("tool_calls")], [end()])
    run(model, Tools())
    assert [message.content for message in model.asked[1].messages[-2:]] == [
        "There is no WiFi here.",
        "12:30",
    ]


def test_the_clients_own_call_is_returned_and_never_run() -> None:
    tools = Tools()
    events: list[Event] = [call(0, "own"), ToolCallDelta(0, "x"), end("tool_calls")]
    assert run(Model(events), tools) == events
    assert tools.calls == []


def test_of_mixed_calls_the_client_gets_its_own_numbered_from_zero() -> None:
    tools = Tools()
    model = Model(
        [call(0, "clock"), call(1, "own"), call(2, "wifi"), call(3, "own"), end("tool_calls")]
    )
    assert run(model, tools) == [
        ToolCallDelta(0, "{}", "id1", "own"),
        ToolCallDelta(1, "{}", "id3", "own"),
        end("tool_calls"),
    ]
    assert tools.calls == []
    assert len(model.asked) == 1


@pytest.mark.parametrize("rounds", [1, 3])
def test_rounds_end_and_the_last_one_offers_no_device_tools(rounds: int) -> None:
    model, tools = Model(CALLS_CLOCK), Tools()
    events = run(model, tools, rounds)
    assert len(tools.calls) == rounds
    assert len(model.asked) == rounds + 1
    assert [request.tools for request in model.asked[:-1]] == [REQUEST.tools] * rounds
    assert model.asked[-1].tools == (OWN,)
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.usage == Usage(10, 2, 1) + Usage(10 * rounds, 2 * rounds, rounds)


def test_cancelling_while_a_tool_runs_ends_it() -> None:
    cancel = CancelToken()

    class Leaving(Tools):
        def run(self, name: str, arguments: str) -> str:
            cancel.cancel()
            return super().run(name, arguments)

    model = Model(CALLS_CLOCK)
    with pytest.raises(Cancelled):
        list(device_turns.run(REQUEST, model, Leaving(), 4, cancel))
    assert len(model.asked) == 1


def test_a_cut_stream_is_passed_as_it_is() -> None:
    assert run(Model([Content("a")]), Tools()) == [Content("a")]
