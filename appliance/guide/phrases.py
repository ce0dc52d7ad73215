"""A small grammar for phrasings: `(a|b|)` chooses one alternative, `{name}` a word of a list.

A word list stands in a file of lines `name = a|b|c`; phrasings stand under `[section]` headings.
Lines that begin with `#` are comments.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_TOKEN = re.compile(r"[(|)]|\{[a-z_]+\}|[^(|){}]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A reference to a word list."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, each a sequence of parts."""

    options: tuple[tuple["Part", ...], ...]


Part = str | Word | Choice
Words = Mapping[str, Choice]


def parse(line: str) -> Choice:
    """Parse one phrasing; ValueError if its parentheses or braces do not match."""
    tokens = _TOKEN.findall(line)
    if "".join(tokens) != line:
        raise ValueError(f"A '{{' without a word and '}}' in: {line}")
    choice, closed = _alternatives(iter(tokens))
    if closed:
        raise ValueError(f"A ')' without '(' in: {line}")
    return choice


def _alternatives(tokens: Iterator[str]) -> tuple[Choice, bool]:
    """Read alternatives up to a closing parenthesis or the end; tell which of the two it was."""
    options: list[tuple[Part, ...]] = []
    parts: list[Part] = []
    for token in tokens:
        if token == "(":
            inner, closed = _alternatives(tokens)
            if not closed:
                raise ValueError("A '(' is never closed.")
            parts.append(inner)
        elif token == "|":
            options.append(tuple(parts))
            parts = []
        elif token == ")":
            return Choice((*options, tuple(parts))), True
        else:
            parts.append(Word(token[1:-1]) if token.startswith("{") else token)
    return Choice((*options, tuple(parts))), False


def expand(choice: Choice, words: Words, rng: random.Random) -> str:
    """Return one random phrasing, single-spaced; KeyError for an unknown word list."""
    return " ".join(_expand(choice, words, rng).split())


def _expand(part: Part, words: Words, rng: random.Random) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Word):
        return _expand(words[part.name], words, rng)
    return "".join(_expand(inner, words, rng) for inner in rng.choice(part.options))


def mentions(part: Part, name: str) -> bool:
    """Tell whether a phrasing itself refers to the word list `name`."""
    if isinstance(part, Choice):
        return any(mentions(inner, name) for option in part.options for inner in option)
    return isinstance(part, Word) and part.name == name


def literals(part: Part) -> set[str]:
    """Return the words that stand in a phrasing itself."""
    if isinstance(part, str):
        return set(part.split())
    if isinstance(part, Word):
        return set()
    return {word for option in part.options for inner in option for word in literals(inner)}


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if (stripped := line.strip()) and not stripped.startswith("#"):
            yield stripped


def load_words(path: Path) -> dict[str, Choice]:
    """Read the word lists; a name given twice gets the alternatives of both lines."""
    words: dict[str, Choice] = {}
    for line in _lines(path):
        name, _, value = line.partition("=")
        earlier = words.get(name.strip(), Choice(()))
        words[name.strip()] = Choice(earlier.options + parse(value.strip()).options)
    return words


def load_sections(path: Path) -> dict[str, list[Choice]]:
    """Read the phrasings of a file by section; ValueError for one outside any section."""
    sections: dict[str, list[Choice]] = {}
    current: list[Choice] | None = None
    for line in _lines(path):
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], [])
        elif current is None:
            raise ValueError(f"A phrasing before the first [section]: {line}")
        else:
            current.append(parse(line))
    return sections
