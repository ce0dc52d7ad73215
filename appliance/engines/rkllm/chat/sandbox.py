"""Jinja for chat templates of unknown origin: no way out, and a limit to the work.

A template sees what it sees in Hugging Face's transformers (`utils/chat_template_utils.py` there),
less the filters and string methods that no chat template needs and that could make huge texts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, cast

from jinja2 import TemplateRuntimeError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.filters import FILTERS, make_attrgetter
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from appliance.engines.rkllm.chat.meter import Meter

# Names with a space: a template cannot write them.
_STEPS, _JOINED, _COMPARED, _LITERAL = "each step", "joined up", "compared with", "literal text"

_FILTERS = (
    "abs count d default first float int items last length list map reject rejectattr reverse "
    "round select selectattr"
).split()
_COMPARING_FILTERS = "dictsort max min sort unique".split()
_TEXT_FILTERS = "capitalize lower title trim upper wordcount".split()
_COMPARING_TESTS = "== eq equalto ne in > gt ge < lt le".split()
_TEXT_METHODS = frozenset(
    (
        "capitalize count endswith find index isalnum isalpha isdigit islower isnumeric isspace "
        "isupper join lower lstrip partition removeprefix removesuffix replace rfind rpartition "
        "rsplit rstrip split splitlines startswith strip title upper"
    ).split()
)
_DICT_METHODS = frozenset({"get", "items", "keys", "values"})
_WIDEST_INDENT = 16
_LARGEST_EXPONENT = 64


class _Generation(Extension):
    """`{% generation %}` marks what a model is trained on; it changes nothing in a prompt."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The body, as if the tags were not there."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one rendering, or one compilation; code of one runs in another."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, meter: Meter) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=self._written,
            extensions=["jinja2.ext.loopcontrols", _Generation],
        )
        self._meter = meter
        del self.globals["lipsum"]
        self.filters = {
            **{name: self._metered(FILTERS[name], meter.made) for name in _FILTERS},
            **{name: self._metered(FILTERS[name], meter.compared) for name in _COMPARING_FILTERS},
            **{name: self._of_text(FILTERS[name]) for name in _TEXT_FILTERS},
            "indent": self._indent,
            "join": self._join,
            "replace": self._replace,
            "safe": self._string,
            "string": self._string,
            "tojson": self._tojson,
            _JOINED: self._concatenated,
            _LITERAL: _literal,
            _STEPS: self._steps,
            _COMPARED: self._compared,
        }
        tests: dict[str, Any] = self.tests
        for name in _COMPARING_TESTS:
            tests[name] = self._metered(tests[name], meter.compared)

    def compiled(self, source: str) -> CodeType:
        """Code with a meter in every loop, literal and joining of texts."""
        tree = _Metering().visit(self.parse(source))
        tree.set_environment(self)
        code: CodeType = self.compile(tree)
        return code

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Of texts and dictionaries what chat templates use, of numbers and lists nothing."""
        if isinstance(obj, str):
            return attr in _TEXT_METHODS
        if isinstance(obj, dict):
            return attr in _DICT_METHODS
        if isinstance(obj, int | float | list | tuple):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` is no safe attribute here: a width in it makes a text of any length."""

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call something, at the price of its result."""
        text = getattr(__obj, "__self__", None)
        if isinstance(text, str) and __obj.__name__ == "replace":
            __obj = functools.partial(__self._replace, text)
        elif isinstance(text, str) and __obj.__name__ == "join":
            __obj = functools.partial(__self._join, d=text)
        __self._meter.spend(1 + len(text) if isinstance(text, str) else 1)
        return __self._meter.made(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Operators by which values grow."""
        if operator == "%" and isinstance(left, str):
            raise SecurityError("it formats text with '%', which is not allowed")
        if operator == "**" and abs(right) > _LARGEST_EXPONENT:
            raise SecurityError("it computes a power that is far too large")
        if operator == "*" and not (isinstance(left, int) and isinstance(right, int)):
            self._meter.spend(_size(left) * _size(right))
        return self._meter.made(super().call_binop(context, operator, left, right))

    def _metered(
        self, function: Callable[..., Any], weigh: Callable[[Any], Any]
    ) -> Callable[..., Any]:
        """A filter or test whose values are weighed before, and its result after the work."""
        first = 0 if getattr(function, "jinja_pass_arg", None) is None else 1

        @functools.wraps(function)  # also copies what Jinja shall give as the first argument
        def metered(*args: Any, **kwargs: Any) -> Any:
            weighed = map(weigh, args[first:])
            return self._meter.made(function(*args[:first], *weighed, **kwargs))

        return metered

    def _of_text(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A filter whose first value becomes text."""

        @functools.wraps(function)
        def metered(value: Any, *args: Any, **kwargs: Any) -> Any:
            return self._meter.made(function(self._string(value), *args, **kwargs))

        return metered

    def _written(self, value: Any) -> Any:
        self._meter.text(value)
        return value

    def _string(self, value: Any) -> str:
        self._meter.text(value)
        return str(value)

    def _replace(self, value: Any, old: str, new: str, count: int | None = None) -> str:
        text = self._string(value)
        self._meter.spend(text.count(old) * len(new))
        return text.replace(old, new, -1 if count is None else count)

    def _join(self, values: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
        if attribute is not None:
            values = map(make_attrgetter(self, attribute), values)
        texts = []
        for value in values:
            self._meter.spend(1 + len(d))
            texts.append(self._string(value))
        return d.join(texts)

    def _indent(
        self, value: Any, width: int | str = 4, first: bool = False, blank: bool = False
    ) -> str:
        text = self._string(value)
        if isinstance(width, int) and width > _WIDEST_INDENT:
            raise SecurityError(f"it indents by more than {_WIDEST_INDENT}")
        self._meter.spend((1 + text.count("\n")) * (len(width) if isinstance(width, str) else 16))
        indented: str = FILTERS["indent"](text, width, first, blank)
        return indented

    def _tojson(
        self,
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        if isinstance(indent, int) and indent > _WIDEST_INDENT:
            raise SecurityError(f"it indents by more than {_WIDEST_INDENT}")
        self._meter.text(value)
        return self._string(
            json.dumps(
                value,
                ensure_ascii=ensure_ascii,
                indent=indent,
                separators=separators,
                sort_keys=sort_keys,
            )
        )

    # Filters that ask for the context are never computed while compiling.
    @pass_context
    def _concatenated(self, context: Context, values: list[Any]) -> str:
        return self._join(values)

    @pass_context
    def _steps(self, context: Context, values: Iterable[Any]) -> Iterable[Any]:
        return self._meter.steps(values)

    @pass_context
    def _compared(self, context: Context, value: Any) -> Any:
        return self._meter.compared(value)


@pass_context
def _literal(context: Context, text: str) -> str:
    return text


class _Metering(NodeTransformer):
    """Sends through a filter whatever would do work, or grow, unseen."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _STEPS)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        return _filtered(nodes.Const(node.data, lineno=node.lineno), _LITERAL)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        sides: list[nodes.Compare | nodes.Operand] = [node, *node.ops]
        if not any(isinstance(side.expr, nodes.Const) for side in sides):
            for side in sides:
                side.expr = _filtered(side.expr, _COMPARED)
        return node


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)


def _size(value: Any) -> int:
    """What a factor contributes to the size of a product."""
    if isinstance(value, str | list | tuple):
        return len(value)
    if isinstance(value, int):
        return max(1, value)
    return 1


class Refused(TemplateRuntimeError):
    """The template says that it cannot render this conversation."""
