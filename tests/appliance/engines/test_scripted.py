from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Event, Finish, ToolCallDelta, Usage
from appliance.domain.messages import Message, Role, ToolCall
from appliance.domain.requests import ChatRequest, CompletionRequest, Generation
from appliance.engines.base import Engine
from appliance.engines.scripted import Gates, Scripted, always
from appliance.errors import Cancelled, EngineDied, EngineError, ModelLoadFailed, ModelLoading

CUT = [bytes([byte]) for byte in "Grüße 🌙".encode()]


def ask(
    engine: Engine,
    cancel: CancelToken | None = None,
    stop: tuple[str, ...] = (),
    max_tokens: int | None = None,
) -> list[Event]:
    wanted = Generation("m", max_tokens=max_tokens, stop=stop)
    request = ChatRequest(wanted, (Message(Role.USER, "né"),))
    return list(engine.chat(request, cancel or CancelToken()))


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Content))


def test_characters_come_out_whole_however_they_were_cut() -> None:
    events = ask(Scripted(always(*CUT)))
    assert text_of(events) == "Grüße 🌙"
    assert events[-1] == Finish("stop", Usage(prompt=3, completion=len(CUT)))


@given(st.lists(st.binary(max_size=4)))
def test_any_bytes_are_said(tokens: list[bytes]) -> None:
    whole = b"".join(tokens).decode(errors="replace")
    assert text_of(ask(Scripted(always(*tokens)))) == whole


def test_a_stop_string_and_what_follows_are_not_said() -> None:
    events = ask(Scripted(always(*CUT)), stop=("ße",))
    assert text_of(events) == "Grü"
    assert isinstance(events[-1], Finish)
    assert (events[-1].reason, events[-1].word) == ("stop", "ße")


def test_the_limit_ends_it() -> None:
    events = ask(Scripted(always(b"a", b"b", b"c")), max_tokens=2)
    assert text_of(events) == "ab"
    assert events[-1] == Finish("length", Usage(3, 2))


def test_tool_calls_are_told_as_such() -> None:
    calls = [ToolCall("1", "f", "{}"), ToolCall("2", "g", '{"a":1}')]
    events = ask(Scripted(always(b"so", *calls)))
    assert events[1:3] == [
        ToolCallDelta(0, "{}", "1", "f"),
        ToolCallDelta(1, '{"a":1}', "2", "g"),
    ]
    assert isinstance(events[3], Finish)
    assert events[3].reason == "tool_calls"


def test_a_gate_can_fail_and_cancel_at_a_token() -> None:
    cancel = CancelToken()
    seen: list[int] = []

    def die(k: int, cancel: CancelToken) -> None:
        seen.append(k)
        if k == 2:
            raise EngineDied("gone")

    with pytest.raises(EngineDied):
        ask(Scripted(always(b"a", b"b", b"c"), Gates(token=die)))
    assert seen == [0, 1, 2]
    leave = Gates(token=lambda k, cancel: cancel.cancel() if k == 1 else None)
    with pytest.raises(Cancelled):
        ask(Scripted(always(b"a", b"b"), leave), cancel)


def test_one_more_than_its_slots_is_refused_and_a_closed_one_frees_its_slot() -> None:
    engine = Scripted(always(b"a", b"b"), slots=1)
    request = CompletionRequest(Generation("m"), (1, 2))
    first = engine.complete(request, CancelToken())
    assert next(first) == Content("a")
    with pytest.raises(EngineError, match="slots"):
        ask(engine)
    del first
    assert text_of(ask(engine)) == "ab"


def test_loading_goes_through_the_gate() -> None:
    reasons: list[Exception] = [ModelLoading("wait"), EngineError("no memory")]

    def load() -> None:
        if reasons:
            raise reasons.pop(0)

    engine = Scripted(always(b"a"), Gates(load=load))
    with pytest.raises(ModelLoading, match="not started"):
        engine.wait_ready(0)
    engine.start()
    with pytest.raises(ModelLoading, match="wait"):
        engine.wait_ready(0)
    assert engine.state == "loading"
    for _ in range(2):
        with pytest.raises(ModelLoadFailed, match="no memory"):
            engine.wait_ready(0)
    engine.start()
    engine.wait_ready(0)
    engine.start()
    assert engine.state == "loaded"
    engine.stop()
    assert engine.state == "unloaded"


def test_tokens_are_bytes_and_vectors_have_length_one() -> None:
    engine, cancel = Scripted(always()), CancelToken()
    tokens = engine.tokenize("é🌙", cancel)
    assert engine.detokenize(tokens, cancel) == "é🌙"
    found = engine.embed(("ab", tokens, ""), cancel)
    assert found.prompt_tokens == 2 + len(tokens)
    assert [round(math.hypot(*vector), 6) for vector in found.vectors] == [1, 1, 0]
