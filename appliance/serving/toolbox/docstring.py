"""Google-style docstrings: what a function does, and what each of its parameters means."""

from __future__ import annotations

import re

_SECTION = re.compile(r"(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?):\s*")
_PARAMETERS = frozenset({"Args", "Arguments", "Parameters"})
_ENTRY = re.compile(r"(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


def parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description up to the first section, and the text of each parameter.

    `text` is clean of common indentation, as from ast.get_docstring.
    """
    description: list[str] = []
    parameters: dict[str, list[str]] = {}
    section: str | None = None
    margin = entry = None
    for line in text.splitlines():
        if heading := _SECTION.fullmatch(line):
            section, margin, entry = heading[1], None, None
        elif section is None:
            description.append(line)
        elif section in _PARAMETERS and line.strip():
            indent = len(line) - len(line.lstrip())
            margin = indent if margin is None else margin
            found = _ENTRY.fullmatch(line.strip()) if indent <= margin else None
            if found:
                entry = parameters.setdefault(found[1], [])
                entry.append(found[2])
            elif entry is not None:
                entry.append(line)
    return _joined(description), {name: _joined(lines) for name, lines in parameters.items()}


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
