r"""Regular expressions of JSON schemas as llama.cpp's own grammars take them.

They have to be anchored at both ends, and know neither `\d` and its kind nor `(?:` (json-schema-to-
grammar.cpp of llama.cpp).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\\.|\(\?:|.", re.S)
_SETS = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r"}
_KEPT = frozenset(r"^$.[]()|{}*+?-\ntr")  # what may stand behind a backslash


def plain(pattern: str) -> str:
    """The same in plainer words: what matches it matches the pattern somewhere."""
    tokens = list(_plain(_TOKEN.findall(pattern)))
    begins, ends = tokens[:1] == ["^"], tokens[-1:] == ["$"]
    inner = tokens[begins : len(tokens) - ends]
    if "^" in inner or "$" in inner:  # in a branch, or in the middle
        return "".join(tokens)
    if begins and ends:
        return "".join(tokens)
    return f"^{'' if begins else '.*'}({''.join(inner)}){'' if ends else '.*'}$"


def _plain(tokens: list[str]) -> Iterator[str]:
    """The tokens in plainer words, a class of characters as one of them."""
    characters: list[str] | None = None
    for token in tokens:
        if token.startswith("\\") and token[1:] in _SETS:
            among = _SETS[token[1:]]
            token = f"[{among}]" if characters is None else among
        elif token.startswith("\\") and token[1:].lower() in _SETS and characters is None:
            token = f"[^{_SETS[token[1:].lower()]}]"
        elif token.startswith("\\") and not token[1:].isalnum() and token[1:] not in _KEPT:
            token = token[1:]
        elif token == "(?:" and characters is None:
            token = "("
        elif token == "[" and characters is None:
            characters = []
        if characters is None:
            yield token
        else:
            characters.append(token)
            if token == "]":
                yield "".join(characters)
                characters = None
    yield from characters or ()
