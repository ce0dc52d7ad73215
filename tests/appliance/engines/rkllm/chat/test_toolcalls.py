from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.domain.events import Content, ToolCallDelta
from appliance.domain.messages import ToolDefinition
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolformats import (
    HERMES,
    LLAMA3,
    MISTRAL,
    MISTRAL_NAMED,
    ToolFormat,
)

TOOLS = [ToolDefinition("weather"), ToolDefinition("clock")]
FORMATS = [HERMES, LLAMA3, MISTRAL, MISTRAL_NAMED]

# What is told: texts, and calls as name and arguments.
Told = list[str | tuple[str, str]]


def told(events: Iterable[Content | ToolCallDelta]) -> Told:
    """Events joined up, after a check of their ids and numbers."""
    found: Told = []
    calls = 0
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, Content):
            assert event.text
            found[-1:] = [last + event.text] if isinstance(last, str) else [*found[-1:], event.text]
        elif event.id is not None:
            assert event.name
            assert (event.index, event.id) == (calls, f"id{calls}")
            calls += 1
            found.append((event.name, event.arguments))
        else:
            assert event.name is None
            assert event.index == calls - 1
            assert isinstance(last, tuple)
            found[-1] = (last[0], last[1] + event.arguments)
    return found


def parsed(format: ToolFormat, pieces: Sequence[str], *, parallel: bool = True) -> Told:
    ids = (f"id{number}" for number in itertools.count())
    parser = ToolCallParser(format, TOOLS, parallel=parallel, new_id=lambda: next(ids))
    events = [event for piece in pieces for event in parser.feed(piece)]
    result = told([*events, *parser.finish()])
    assert parser.calls == sum(isinstance(each, tuple) for each in result)
    assert parser.finish() == []
    return result


CALL = '{"name": "weather", "arguments": {"city": "Köln"}}'
WEATHER = ("weather", '{"city": "Köln"}')


def written(format: ToolFormat, name: str, arguments: str) -> str:
    """A call as models of this format write it."""
    call = f'{{"name": "{name}", "{format.arguments}": {arguments}}}'
    if format.marker:
        call = f"{name}{format.marker}{arguments}"
    return format.opening + (f"[{call}]" if format.listed else call) + format.closing


NESTED = '{"a": {"b": [1, "}]\\"{", {}]}, "c": "</tool_call>"}'


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        (HERMES, f"<tool_call>\n{CALL}\n</tool_call>", [WEATHER]),
        (HERMES, f"I look.\n\n<tool_call>\n{CALL}\n</tool_call>\n\n", ["I look.", WEATHER]),
        (HERMES, f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>", [WEATHER] * 2),
        (HERMES, f"<tool_call>{CALL}</tool_call> Done. \n", [WEATHER, "Done. \n"]),
        (HERMES, f"<tool_call>{CALL}\n<tool_call>{CALL}", [WEATHER] * 2),
        (HERMES, f"<tool_call>{CALL}}}\n</tool_call>", [WEATHER, "}\n</tool_call>"]),
        (HERMES, f"<tool_call>{CALL[:-1]}\n</tool_call>", [WEATHER]),
        (HERMES, f"<tool_call>{CALL}</tool_", [WEATHER]),
        (HERMES, f'<tool_call>{{"name": "clock", "arguments": {NESTED}}}</tool_call>',
         [("clock", NESTED)]),
        (HERMES, '<tool_call>{"arguments": {"a": 1}, "name": "clock"}</tool_call>',
         [("clock", '{"a": 1}')]),
        (HERMES, '<tool_call>{"name": "clock"}</tool_call>', [("clock", "{}")]),
        (HERMES, '<tool_call>{"name": "clock", "arguments": null}</tool_call>', [("clock", "{}")]),
        (HERMES, '<tool_call>{"id": 7, "name": "clock", "arguments": "{\\"a\\": 1}"}</tool_call>',
         [("clock", '{"a": 1}')]),
        (HERMES, '<tool_call>{"name": "weather", "arguments": {"city": "K', [
            ("weather", '{"city": "K')]),
        (HERMES, '<tool_call>{"name": "clock", "arguments": {broken}, "x"}</tool_call> a',
         [("clock", "{broken}"), '}</tool_call> a']),
        (LLAMA3, '{"name": "clock", "parameters": {"a": 1}}', [("clock", '{"a": 1}')]),
        (LLAMA3, ' \n{"type": "function", "name": "clock", "parameters": {}}', [("clock", "{}")]),
        (LLAMA3, f"<|python_tag|>{CALL}", [WEATHER]),
        (LLAMA3, f"Let me see. <|python_tag|>{CALL}", ["Let me see.", WEATHER]),
        (LLAMA3, f"{CALL}; {CALL}\n{CALL} and", [WEATHER, WEATHER, WEATHER, "and"]),
        (LLAMA3, f'<|python_tag|>{CALL}{{"a": 1}}', [WEATHER, '{"a": 1}']),
        (MISTRAL, f"[TOOL_CALLS] [{CALL}, {CALL}]", [WEATHER] * 2),
        (MISTRAL, f"[TOOL_CALLS]{CALL}", [WEATHER]),
        (MISTRAL_NAMED, '[TOOL_CALLS]weather[ARGS]{"city": "Köln"}', [WEATHER]),
        (MISTRAL_NAMED, 'A [TOOL_CALLS]weather[ARGS]{"city": "Köln"}[TOOL_CALLS]clock[ARGS]{}',
         ["A", WEATHER, ("clock", "{}")]),
        (MISTRAL_NAMED, '[TOOL_CALLS]clock[CALL_ID]abcdefghi[ARGS] {"a": "}"} ok',
         [("clock", '{"a": "}"}'), "ok"]),
        (MISTRAL_NAMED, "[TOOL_CALLS]clock[ARGS]no", ["[TOOL_CALLS]clock[ARGS]no"]),
        (MISTRAL_NAMED, "[TOOL_CALLS]clocks[ARGS]{}", ["[TOOL_CALLS]clocks[ARGS]{}"]),
        (MISTRAL_NAMED, "[TOOL_CALLS]clock[ARX", ["[TOOL_CALLS]clock[ARX"]),
        (MISTRAL_NAMED, "[TOOL_CALLS]clock[ARGS]", ["[TOOL_CALLS]clock[ARGS]"]),
        (MISTRAL_NAMED, f"[TOOL_CALLS]clock[CALL_ID]{'x' * 99}", [
            f"[TOOL_CALLS]clock[CALL_ID]{'x' * 99}"]),
        (MISTRAL_NAMED, CALL, [CALL]),
        (MISTRAL, f"[{CALL}] ok", [WEATHER, "ok"]),
        (MISTRAL, f"Well [TOOL_CALLS][{CALL}]", ["Well", WEATHER]),
        (MISTRAL, f'[TOOL_CALLS][{CALL}, {{"name": "no"}}]', [WEATHER, ', {"name": "no"}]']),
        (MISTRAL, '[TOOL_CALLS][{"name": "clock", "arguments": {}, "id": "abcdefghi"}]',
         [("clock", "{}")]),
    ],
)  # fmt: skip
def test_calls_are_found(format: ToolFormat, text: str, expected: Told) -> None:
    assert parsed(format, [text]) == expected
    assert parsed(format, list(text)) == expected


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "Hello.", "  a\n\n", "<tool_call", "a <tool_call>", "<tool_call>\n\n",
        "<tool_call>{\"name\": \"nobody\", \"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": 3}</tool_call>", "<tool_call>{}</tool_call>", "<tool_call>{\"na",
        "<tool_call>{\"name\" \"clock\"}", "<tool_call>{\"name\": \"\\x\"}", "<tool_call>[1]",
        "<tool_call>{\"arguments\": {\"a\": 1}}", "<tool_call>{\"name\": \"clock\", 1}", "{", "[",
        "[{", "[TOO much",
        "{\"name\": \"Bob\", \"age\": 3}", "{\"a\": [1, 2]} and", "[link](there)", "[1, 2]",
        "[TOOL_CALLS] none", "[TOOL_CALLS", "<|python_tag|>print(1)", "<|python_tag|>",
        "{\"name\": \"clock\", \"parameters\": [1]}",
        "{\"name\": \"clock\", \"parameters\": \"no\"}",
        "<tool_call>{\"name\": \"clock\"", "{\"name\": \"clock\", \"x\": \"\ud800\"",
    ],
)  # fmt: skip
def test_what_is_no_call_is_told_as_it_was_written(format: ToolFormat, text: str) -> None:
    assert "".join(map(str, parsed(format, list(text)))) == text
    assert "".join(map(str, parsed(format, [text]))) == text


FRAGMENTS = st.sampled_from(
    ["<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "[", "]", "{", "}", ",", ";",
     " ", "\n", '"', "\\", ":", "a", "<", "clock", "[ARGS]", "[CALL_ID]",
     CALL, CALL[:-1], CALL[:30], '{"name": "clock"}', "{}",
     '"name": "clock"', '"arguments": {', '{"name": "nobody", "arguments": {}}', "null", "1"]
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=12).map("".join)


@given(st.sampled_from(FORMATS), TEXTS, st.lists(st.integers(0, 200), max_size=8), st.booleans())
def test_any_cut_gives_the_same(
    format: ToolFormat, text: str, cuts: list[int], parallel: bool
) -> None:
    bounds = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(bounds)]
    assert parsed(format, pieces, parallel=parallel) == parsed(
        format, list(text), parallel=parallel
    )


@given(st.sampled_from(FORMATS), TEXTS)
@example(HERMES, f"a <tool_call> {CALL[:30]}")
def test_nothing_is_lost(format: ToolFormat, text: str) -> None:
    """Where there is no call, all is content; where there are, all that is not part of one."""
    result = parsed(format, [text])
    at = 0
    for each in result:
        for wanted in [each] if isinstance(each, str) else [each[1]] if each[1] != "{}" else []:
            at = text.index(wanted, at) + len(wanted)
    if not any(isinstance(each, tuple) for each in result):
        assert "".join(map(str, result)) == text


@given(st.sampled_from(FORMATS), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
))  # fmt: skip
def test_arguments_are_told_as_they_were_written(format: ToolFormat, value: object) -> None:
    arguments = json.dumps({"value": value}, ensure_ascii=False, indent=1)
    assert parsed(format, [written(format, "clock", arguments)]) == [("clock", arguments)]


def test_arguments_are_told_while_they_come() -> None:
    parser = ToolCallParser(HERMES, TOOLS, new_id=lambda: "x")
    assert parser.feed("Let me see.\n<tool_call>\n") == [Content("Let me see.")]
    assert parser.feed('{"name": "weather", ') == []
    assert parser.feed('"arguments": {"ci') == [ToolCallDelta(0, '{"ci', "x", "weather")]
    assert parser.feed('ty": "Rome"') == [ToolCallDelta(0, 'ty": "Rome"')]
    assert parser.feed("}}\n</tool_call>") == [ToolCallDelta(0, "}")]
    assert parser.finish() == []


def test_content_is_told_while_it_comes() -> None:
    parser = ToolCallParser(HERMES, TOOLS)
    assert parser.feed("a < b <") == [Content("a < b")]
    assert parser.feed(" c ") == [Content(" < c")]
    assert parser.finish() == [Content(" ")]


def test_one_call_only() -> None:
    assert parsed(LLAMA3, [f"{CALL};{CALL} more"], parallel=False) == [WEATHER]
    parser = ToolCallParser(HERMES, TOOLS, parallel=False)
    parser.feed(f"<tool_call>{CALL[:-1]}")
    assert not parser.finished
    parser.feed("}")
    assert parser.finished
    assert parser.feed("</tool_call>more") == []


@pytest.mark.parametrize(
    ("format", "size"), [(HERMES, 29), (LLAMA3, 29), (MISTRAL, 9), (MISTRAL_NAMED, 9)]
)
def test_ids_are_of_the_form_that_templates_take(format: ToolFormat, size: int) -> None:
    text = written(format, *WEATHER)
    first, second = (ToolCallParser(format, TOOLS).feed(text)[0] for _ in range(2))
    assert isinstance(first, ToolCallDelta)
    assert isinstance(second, ToolCallDelta)
    assert first.id is not None
    assert len(first.id) == size
    assert first.id != second.id


def test_a_long_call_takes_time_in_proportion() -> None:
    parser = ToolCallParser(HERMES, TOOLS)
    text = '<tool_call>{"arguments": {"a": "' + "x" * 200_000 + '"}, "name": "clock"}</tool_call>'
    events = [event for char in text for event in parser.feed(char)]
    assert len(told_arguments(events)) == 200_000 + 9


def told_arguments(events: Iterable[Content | ToolCallDelta]) -> str:
    return "".join(event.arguments for event in events if isinstance(event, ToolCallDelta))
