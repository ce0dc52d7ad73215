import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.serving.toolbox.signature import read_tools
from appliance.serving.toolbox.tool import DeviceTool

PATH = Path("/etc/luna/tools/example.py")
NULL = {"type": "null"}


def tool(parameters: str, doc: str = "Do it.", prefix: str = "") -> DeviceTool:
    tools, refused = read_tools(f'{prefix}def t({parameters}):\n    """{doc}"""'.encode(), PATH)
    assert refused == ()
    assert len(tools) == 1
    return tools[0]


def refusal(source: str) -> str:
    tools, refused = read_tools(source.encode(), PATH)
    assert tools == ()
    assert [path for path, _ in refused] == [PATH]
    return refused[0][1]


def test_a_whole_tool() -> None:
    doc = "Play a song.\n\n    Args:\n        title: Its title.\n        loud: Wake all.\n    "
    found = tool("title: str, times: int = 2, *, loud: bool = False", doc)
    assert (found.name, found.description, found.path) == ("t", "Play a song.", PATH)
    assert found.parameters == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "Its title."},
            "times": {"type": "integer", "default": 2},
            "loud": {"type": "boolean", "description": "Wake all.", "default": False},
        },
        "required": ["title"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", {"type": "string"}),
        ("'str'", {"type": "string"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("list", {"type": "array"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("typing.List[str]", {"type": "array", "items": {"type": "string"}}),
        ("dict", {"type": "object"}),
        (
            "dict[str, list[float]]",
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "number"}},
            },
        ),
        ("Literal['on', 'off']", {"enum": ["off", "on"]}),
        ("Literal[-1, 1]", {"enum": [-1, 1]}),
        ("Optional[str]", {"anyOf": [{"type": "string"}, NULL]}),
        ("int | None", {"anyOf": [{"type": "integer"}, NULL]}),
        ("Union[str, int]", {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    ],
)
def test_annotations(annotation: str, schema: dict[str, Any]) -> None:
    properties = tool(f"x: {annotation}").parameters["properties"]
    assert isinstance(properties, dict)
    found = properties["x"]
    if "anyOf" in schema:
        assert {str(each) for each in found["anyOf"]} == {str(each) for each in schema["anyOf"]}
    else:
        assert found == schema


@pytest.mark.parametrize(
    ("default", "shown"),
    [("None", {"default": None}), ("[1]", {"default": [1]}), ("LIMIT", {}), ("{1, *()}", {})],
)
def test_defaults_make_a_parameter_optional(default: str, shown: dict[str, Any]) -> None:
    found = tool(f"x: list | None = {default}").parameters
    assert found["required"] == []
    properties = found["properties"]
    assert isinstance(properties, dict)
    assert {k: v for k, v in properties["x"].items() if k == "default"} == shown


def test_none_of_the_code_runs() -> None:
    prefix = "raise SystemExit('ran')\n@print\n"
    assert tool("x: int = print('ran')", prefix=prefix).name == "t"


def test_only_documented_public_functions_are_tools() -> None:
    source = '''
def helper(x): return x
def _private():
    """Not offered."""
class Thing:
    def method(self):
        """Not offered."""
def first():
    """One."""
def first():
    """Two."""
'''
    tools, refused = read_tools(source.encode(), PATH)
    assert [(each.name, each.description) for each in tools] == [("first", "Two.")]
    assert refused == ()


def test_a_refused_function_leaves_its_neighbours() -> None:
    source = 'def a(x):\n    """A."""\ndef b():\n    """B."""\n'
    tools, refused = read_tools(source.encode(), PATH)
    assert [each.name for each in tools] == ["b"]
    assert refused == ((PATH, "a: parameter x has no type; write one, as in `x: str`."),)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("def t(*x: int)", "leave out"),
        ("def t(**x: int)", "leave out"),
        ("def t(x: int, /)", "leave out"),
        ("async def t()", "not an async one"),
        ("def t(x: bytes)", "JSON has no type for bytes"),
        ("def t(x: set[int])", "JSON has no type for set[int]"),
        ("def t(x: dict[int, str])", "JSON has no type for dict[int, str]"),
        ("def t(x: list[1])", "JSON has no type for 1"),
        ("def t(x: 'no type')", "is no type"),
        ("def t(x: Literal[a])", "JSON has no type for a"),
        ("def t(x: Literal[1.5])", "cannot be written as JSON"),
        ("def t(x: Literal[[1]] | None)", "cannot be written as JSON"),
        ("def t(x: list[int] | list[str])", "cannot be written as JSON"),
        ("def " + "t" * 65 + "()", "at most 64"),
        ("def é()", "at most 64"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_with_the_reason(signature: str, reason: str) -> None:
    assert reason in refusal(f'{signature}:\n    """Do it."""\n')


@pytest.mark.parametrize("source", ["def broken(:", "x = '\0'", "(" * 500])
def test_a_file_that_is_not_python(source: str) -> None:
    assert "not Python" in refusal(source)


@given(st.binary())
def test_any_file_is_read_or_refused(source: bytes) -> None:
    read_tools(source, PATH)


names = st.sampled_from(["str", "int", "list", "dict", "None", "Literal", "Optional", "bytes", "1"])
annotations = st.recursive(
    names,
    lambda inner: (
        st.builds("{}[{}]".format, names, inner)
        | st.builds("{}[{}, {}]".format, names, inner, inner)
        | st.builds("{} | {}".format, inner, inner)
    ),
    max_leaves=6,
)


@given(annotations, st.none() | annotations)
def test_any_annotation_and_default_is_read_or_refused(
    annotation: str, default: str | None
) -> None:
    source = f"def t(x: {annotation}{f' = {default}' if default else ''}):\n  'Do it.'"
    ast.parse(source)
    tools, refused = read_tools(source.encode(), PATH)
    assert len(tools) + len(refused) == 1
