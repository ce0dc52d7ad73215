from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.events import Content, Reasoning, ToolCallDelta
from appliance.domain.messages import ToolDefinition
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolformats import HERMES
from appliance.engines.rkllm.reply import Piece, Reply

TOOLS = (ToolDefinition("ring"),)
ANSWER = '<think>Höre</think>Gut!<tool_call>\n{"name": "ring", "arguments": {"n": 1}}\n</tool_call>'


def told(reply: Reply, data: bytes, size: int = 1) -> list[Piece]:
    pieces = [p for at in range(0, len(data), size) for p in reply.feed(data[at : at + size])]
    return pieces + reply.finish()


def text(pieces: list[Piece], kind: type[Content] | type[Reasoning] = Content) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, kind))


@given(st.integers(1, 99))
def test_everything_is_found_however_it_is_cut(size: int) -> None:
    reply = Reply((), ReasoningSplitter(), ToolCallParser(HERMES, TOOLS))
    pieces = told(reply, ANSWER.encode(), size)
    assert text(pieces, Reasoning) == "Höre"
    assert text(pieces) == "Gut!"
    calls = [piece for piece in pieces if isinstance(piece, ToolCallDelta)]
    assert "".join(call.arguments for call in calls) == '{"n": 1}'
    assert reply.calls == ["ring"]
    assert not reply.ended


def test_plain_text_stays_what_it_is() -> None:
    assert text(told(Reply(), ANSWER.encode())) == ANSWER


def test_a_stop_string_ends_it() -> None:
    reply = Reply(("STOP",))
    assert text(told(reply, b"a ST b ST")) == "a ST b ST"
    assert not reply.ended
    reply = Reply(("STOP",))
    assert text(told(reply, b"a STOP b")) == "a "
    assert reply.ended


def test_one_call_is_enough_where_no_more_are_wanted() -> None:
    reply = Reply((), None, ToolCallParser(HERMES, TOOLS, parallel=False))
    told(reply, ANSWER.encode())
    assert reply.ended


def test_a_call_that_began_in_the_prompt() -> None:
    opening = '<tool_call>\n{"name": "ring", "arguments": {'
    reply = Reply((), None, ToolCallParser(HERMES, TOOLS), opening)
    pieces = told(reply, b'"n": 2}}\n</tool_call>')
    arguments = "".join(p.arguments for p in pieces if isinstance(p, ToolCallDelta))
    assert text(pieces) == ""
    assert arguments.endswith('"n": 2}')
    assert reply.calls == ["ring"]


def test_half_a_character_at_the_end_is_not_lost() -> None:
    assert text(told(Reply(), b"a\xc3")) == "a�"
