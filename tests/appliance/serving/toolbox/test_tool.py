import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.serving.toolbox.signature import read_tools
from appliance.serving.toolbox.tool import DeviceTool, ToolFailed

SOURCE = b'''
def weather(city: str, days: int = 1, unit: Literal["C", "F"] = "C", tags: list[str] | None = None):
    """Tell the weather."""
def ping():
    """Answer."""
'''
(WEATHER, PING), _ = read_tools(SOURCE, Path("/tools/weather.py"))


@pytest.mark.parametrize(
    ("tool", "text", "arguments"),
    [
        (PING, "", {}),
        (PING, " \n", {}),
        (PING, "{}", {}),
        (WEATHER, '{"city": "Köln"}', {"city": "Köln"}),
        (WEATHER, '{"city": "", "days": 3}', {"city": "", "days": 3}),
        (WEATHER, '{"city": "a", "tags": null}', {"city": "a", "tags": None}),
    ],
)
def test_arguments_that_fit(tool: DeviceTool, text: str, arguments: dict[str, object]) -> None:
    assert tool.parse(text) == arguments


@pytest.mark.parametrize(
    ("tool", "text", "reason"),
    [
        (WEATHER, "{}", "missing required field `city`"),
        (WEATHER, '{"city": 5}', r"Expected `str`, got `int` - at `\$.city`"),
        (WEATHER, '{"city": "a", "days": true}', r"Expected `int`, got `bool` - at `\$.days`"),
        (WEATHER, '{"city": "a", "days": 2.0}', r"got `float` - at `\$.days`"),
        (WEATHER, '{"city": "a", "unit": "K"}', "'K'"),
        (WEATHER, '{"city": "a", "town": 1}', "unknown field `town`"),
        (WEATHER, '{"city": "a", "tags": [1]}', r"\$.tags\[0\]"),
        (WEATHER, '["a"]', "Expected `object`"),
        (WEATHER, "city=a", "malformed"),
        (WEATHER, '{"city": "\ud800"}', "surrogates"),
        (WEATHER, "x", r"Send a JSON object with: city, days \(optional\), unit \(optional\)"),
        (PING, '{"x": 1}', "It takes none"),
    ],
)
def test_arguments_that_do_not_fit_are_explained(tool: DeviceTool, text: str, reason: str) -> None:
    with pytest.raises(ToolFailed, match=reason):
        tool.parse(text)


def test_arguments_nested_without_end() -> None:
    (tool,), _ = read_tools(b"def t(x: list):\n  'Do it.'", Path("/t.py"))
    with pytest.raises(ToolFailed):
        tool.parse('{"x": ' + "[" * 100_000 + "]" * 100_000 + "}")


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["city", "days", "unit", "x"]), inner)
        ),
    ).map(json.dumps)
)
def test_any_arguments_fit_or_are_explained(text: str) -> None:
    try:
        arguments = WEATHER.parse(text)
    except ToolFailed:
        return
    assert isinstance(arguments["city"], str)
    assert set(arguments) <= {"city", "days", "unit", "tags"}
