"""Tools as written in a source file: read as text, so that none of its code runs here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import msgspec

from appliance.serving.toolbox.docstring import parse_docstring
from appliance.serving.toolbox.tool import DeviceTool

# What a client may be told: OpenAI allows these names for functions.
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")

_PLAIN = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "List": list,
    "dict": dict,
    "Dict": dict,
    "None": None,
}

Refusal = tuple[Path, str]
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _NotATool(Exception):
    """The function cannot be offered; the message says why."""


def read_tools(source: bytes, path: Path) -> tuple[tuple[DeviceTool, ...], tuple[Refusal, ...]]:
    """The documented public functions of a file, and why others of them cannot be tools."""
    try:
        module = ast.parse(source, filename=str(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        return (), ((path, f"It is not Python that this version can read: {error}."),)
    tools: list[DeviceTool] = []
    refused: list[Refusal] = []
    for function in _documented(module).values():
        try:
            tools.append(_tool(function, path))
        except _NotATool as error:
            refused.append((path, f"{function.name}: {error}"))
    return tuple(tools), tuple(refused)


def _documented(module: ast.Module) -> dict[str, _Function]:
    """By name, as the last definition is the one that Python keeps."""
    return {
        node.name: node
        for node in module.body
        if isinstance(node, _Function) and not node.name.startswith("_") and ast.get_docstring(node)
    }


def _tool(function: _Function, path: Path) -> DeviceTool:
    if not _NAME.fullmatch(function.name):
        raise _NotATool("a tool's name has at most 64 letters, digits and underscores.")
    if isinstance(function, ast.AsyncFunctionDef):
        raise _NotATool("a tool is a plain function, not an async one.")
    description, notes = parse_docstring(ast.get_docstring(function) or "")
    try:
        arguments, defaults = _arguments(function, notes)
        parameters = _schema(arguments, defaults)
    except (TypeError, RecursionError) as error:
        raise _NotATool(f"its parameters cannot be written as JSON ({error}).") from error
    return DeviceTool(function.name, description, parameters, path, arguments)


def _arguments(
    function: _Function, notes: dict[str, str]
) -> tuple[type[msgspec.Struct], dict[str, object]]:
    """A type that checks the arguments, and those defaults that JSON can show."""
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    defaults: dict[str, object] = {}
    for parameter, default in _parameters(function.args):
        name = parameter.arg
        if parameter.annotation is None:
            raise _NotATool(f"parameter {name} has no type; write one, as in `{name}: str`.")
        note = msgspec.Meta(description=notes.get(name) or None)
        meaning: Any = Annotated[_type(parameter.annotation), note]
        if default is None:
            fields.append((name, meaning))
        else:
            # Unset, so that the tool's own default counts, whatever expression it is.
            fields.append((name, meaning | msgspec.UnsetType, msgspec.UNSET))
            defaults.update(_shown(name, default))
    struct = msgspec.defstruct(function.name, fields, forbid_unknown_fields=True, kw_only=True)
    return struct, defaults


def _parameters(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise _NotATool("a tool's parameters all have names; leave out *args, **kwargs and `/`.")
    required = len(arguments.args) - len(arguments.defaults)
    yield from zip(arguments.args, (*[None] * required, *arguments.defaults), strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _schema(arguments: type[msgspec.Struct], defaults: dict[str, object]) -> dict[str, object]:
    _, definitions = msgspec.json.schema_components([arguments])
    schema = next(iter(definitions.values()))
    properties = schema["properties"]
    for name, value in defaults.items():
        properties[name]["default"] = value
    return {
        "type": "object",
        "properties": properties,
        "required": schema["required"],
        "additionalProperties": False,
    }


def _type(node: ast.expr) -> Any:
    """The type that an annotation names; only those that JSON has."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            return _type(_expression(text))
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _PLAIN:
            return _PLAIN[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_type(left), _type(right)]  # noqa: UP007 - of values, not of names
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _generic(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
    raise _unknown(node)


def _generic(name: str, inner: list[ast.expr]) -> Any:
    match name, inner:
        case "Literal", [_, *_]:
            return Literal[tuple(_literal(each) for each in inner)]
        case (("list" | "List"), [item]):
            return list[_type(item)]  # type: ignore[misc]
        case (("dict" | "Dict"), [key, value]) if _type(key) is str:
            return dict[str, _type(value)]  # type: ignore[misc]
        case "Optional", [item]:
            return Union[_type(item), None]  # noqa: UP007
        case "Union", [_, *_]:
            return Union[tuple(_type(each) for each in inner)]  # noqa: UP007
    raise _NotATool(f"JSON has no type for {name}[{', '.join(map(ast.unparse, inner))}].")


def _expression(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _NotATool(f"{text!r} is no type.") from error


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError) as error:
        raise _unknown(node) from error


def _unknown(node: ast.expr) -> _NotATool:
    return _NotATool(f"JSON has no type for {ast.unparse(node)}; use str, int, list[str] and such.")


def _shown(name: str, default: ast.expr) -> dict[str, object]:
    """The default for the schema; none for a computed one or one that JSON cannot write."""
    try:
        value = ast.literal_eval(default)
        return {name: msgspec.json.decode(msgspec.json.encode(value))}
    except (ValueError, TypeError, SyntaxError):
        return {}
