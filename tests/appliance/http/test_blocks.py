from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.events import (
    Content,
    Event,
    Finish,
    Progress,
    Reasoning,
    ToolCallDelta,
    Usage,
)
from appliance.http.blocks import Begin, Blocks, End, Piece, whole

EVENTS: st.SearchStrategy[list[Event]] = st.lists(
    st.one_of(
        st.builds(Content, st.text(max_size=3)),
        st.builds(Reasoning, st.text(max_size=3)),
        st.builds(ToolCallDelta, st.integers(0, 2), st.text(max_size=3)),
        st.just(Progress(1, 2)),
    ),
    max_size=12,
)


def test_an_answer_with_everything() -> None:
    row = whole(
        [
            Progress(1, 1),
            Reasoning("hm "),
            Reasoning("so"),
            Content(""),
            Content("a"),
            Content("b"),
            ToolCallDelta(0, '{"x"', "c1", "f"),
            ToolCallDelta(0, ":1}"),
            ToolCallDelta(1, "", "c2", "g"),
            Content("c"),
            Finish("stop", Usage()),
        ]
    )
    assert [(each.index, each.kind, each.id, each.name, each.text) for each in row] == [
        (0, "thought", "", "", "hm so"),
        (1, "text", "", "", "ab"),
        (2, "call", "c1", "f", '{"x":1}'),
        (3, "call", "c2", "g", ""),
        (4, "text", "", "", "c"),
    ]


@given(EVENTS)
def test_one_block_is_open_at_a_time(events: list[Event]) -> None:
    blocks = Blocks()
    steps = [step for event in events for step in blocks.add(event)] + list(blocks.end())
    open_block = None
    for step in steps:
        match step:
            case Begin(block):
                assert open_block is None
                open_block = block
            case Piece(block, text):
                assert block is open_block
                assert text
            case End(block):
                assert block is open_block
                open_block = None
    assert open_block is None
    assert [step.block for step in steps if isinstance(step, Begin)] == blocks.row
    assert [each.index for each in blocks.row] == list(range(len(blocks.row)))


@given(EVENTS)
def test_nothing_that_was_said_is_lost(events: list[Event]) -> None:
    row = whole(events)
    for kind, sort in (("text", Content), ("thought", Reasoning)):
        said = "".join(event.text for event in events if isinstance(event, sort))
        assert "".join(each.text for each in row if each.kind == kind) == said
    calls = "".join(event.arguments for event in events if isinstance(event, ToolCallDelta))
    assert "".join(each.text for each in row if each.kind == "call") == calls
