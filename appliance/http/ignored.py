"""The header that says which of a request's wishes had no effect."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_LONGEST = 1000  # characters


def ignored_header(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`x-luna-ignored` with the names of fields, or no header; odd names are left out."""
    told = [name for name in names if _NAME.fullmatch(name)]
    return (("x-luna-ignored", ", ".join(told)[:_LONGEST]),) if told else ()
