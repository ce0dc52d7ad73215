from __future__ import annotations

from appliance.domain.events import Content, Reasoning, ToolCallDelta
from appliance.domain.messages import ToolDefinition
from appliance.engines.rkllm.chat.answer import AnswerReader, Piece
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolformats import HERMES

CALL = '<tool_call>{"name": "clock", "arguments": {"zone": "Köln"}}</tool_call>'


def parser(*, parallel: bool = True) -> ToolCallParser:
    return ToolCallParser(HERMES, [ToolDefinition("clock")], parallel=parallel, new_id=lambda: "x")


def read(reader: AnswerReader, text: str) -> list[Piece]:
    """Events of an answer that comes byte by byte, joined up by their kinds."""
    events: list[Piece] = []
    for byte in text.encode():
        events += reader.feed(bytes([byte]))
    joined: list[Piece] = []
    for event in events + reader.finish():
        match (joined[-1] if joined else None, event):
            case Content(before), Content(text):
                joined[-1] = Content(before + text)
            case Reasoning(before), Reasoning(text):
                joined[-1] = Reasoning(before + text)
            case ToolCallDelta(arguments=before) as call, ToolCallDelta(arguments=text, id=None):
                joined[-1] = ToolCallDelta(call.index, before + text, call.id, call.name)
            case _:
                joined.append(event)
    return joined


def test_all_parts_of_an_answer() -> None:
    reader = AnswerReader(ReasoningSplitter(), parser(), ("STOP",))
    answer = f"<think>\nhm, {CALL}\n</think>\n\nGrüße!\n{CALL}\nSTOP and more"
    assert read(reader, answer) == [
        Reasoning(f"hm, {CALL}"),
        Content("Grüße!"),
        ToolCallDelta(0, '{"zone": "Köln"}', "x", "clock"),
    ]
    assert reader.stopped
    assert reader.calls == 1


def test_a_plain_answer() -> None:
    reader = AnswerReader(ReasoningSplitter())
    assert read(reader, f"Grüße! {CALL}") == [Content(f"Grüße! {CALL}")]
    assert not reader.stopped
    assert reader.calls == 0


def test_what_was_held_back_comes_in_the_end() -> None:
    reader = AnswerReader(ReasoningSplitter(), parser(), ("STOP",))
    assert read(reader, "a <tool_call>\nST") == [Content("a <tool_call>\nST")]
    reader = AnswerReader(ReasoningSplitter())
    assert reader.feed("ü".encode()[:1]) == []
    assert reader.finish() == [Content("\ufffd")]


def test_a_forced_call_goes_on_from_the_prompt() -> None:
    reader = AnswerReader(ReasoningSplitter(), parser(), said='<tool_call>\n{"name": "')
    assert read(reader, 'clock", "arguments": {}}') == [ToolCallDelta(0, "{}", "x", "clock")]


def test_the_only_call_stops_the_answer() -> None:
    reader = AnswerReader(ReasoningSplitter(), parser(parallel=False))
    assert not reader.stopped
    assert len(reader.feed(CALL.encode())) == 1
    assert reader.stopped
