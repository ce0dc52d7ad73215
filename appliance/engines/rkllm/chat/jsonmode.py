"""Answers as JSON from a runtime without grammars: told to the model, checked, asked for again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from appliance.domain.messages import Message, Role
from appliance.domain.requests import ResponseFormat
from appliance.engines.schema_fit import SchemaFit

ATTEMPTS = 3
"""How often a model is asked at most; the last answer is given even if it is wrong."""

_FENCE = re.compile(r"```[\w-]*\s(.*?)```", re.DOTALL)
_MOST_PLACES = 8  # where JSON may begin inside of other text


@dataclass(frozen=True, slots=True)
class Checked:
    """The JSON of an answer, and what is wrong with it, "" if nothing is.

    Where no JSON was found `text` is the whole answer.
    """

    text: str
    problem: str = ""


class JsonMode:
    """What `response_format` asks for; raises BadRequest for a schema that makes no sense."""

    def __init__(self, wanted: ResponseFormat) -> None:
        self._schema: dict[str, Any] | None = None
        self._fit: SchemaFit | None = None
        if wanted.kind == "json_schema":
            self._schema = dict(wanted.schema or {})
            self._fit = SchemaFit(self._schema)

    def instruct(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """The conversation with the wish at the end of its last question."""
        asked = [at for at, message in enumerate(messages) if message.role is Role.USER]
        at = asked[-1] if asked else len(messages) - 1
        told = replace(messages[at], content=f"{messages[at].content}\n\n{self._instruction()}")
        return (*messages[:at], told, *messages[at + 1 :])

    def check(self, answer: str) -> Checked:
        """The JSON in an answer, also from a code fence or from between sentences."""
        first: Checked | None = None
        for text in _candidates(answer):
            try:
                value = msgspec.json.decode(text)
            except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
                first = first or Checked(answer, f"it is not valid JSON: {error}")
                continue
            problem = self._problem(value)
            if not problem:
                return Checked(text)
            if first is None or first.text is answer:
                first = Checked(text, problem)
        return first or Checked(answer, "it is empty")

    def retry(self, messages: Sequence[Message], answer: str, problem: str) -> tuple[Message, ...]:
        """The conversation that asks again; `messages` as they were asked the last time."""
        return (
            *messages,
            Message(Role.ASSISTANT, answer),
            Message(
                Role.USER,
                f"That answer cannot be used: {problem}. Answer the question again. "
                f"{self._instruction()}",
            ),
        )

    def _instruction(self) -> str:
        if self._schema is None:
            return "Answer with one JSON object and nothing else: no explanation, no code fence."
        schema = msgspec.json.encode(self._schema).decode()
        return (
            "Answer with one JSON value and nothing else: no explanation, no code fence. It must "
            f"be valid under this JSON schema: {schema}"
        )

    def _problem(self, value: Any) -> str:
        if self._fit is None:
            return "" if isinstance(value, dict) else "it is not a JSON object"
        return self._fit.problem(value)


def _candidates(answer: str) -> Iterator[str]:
    """Texts that may be the JSON: all, what is in fences, what begins with a bracket."""
    if not (bare := answer.strip()):
        return
    yield bare
    for fence in _FENCE.finditer(answer):
        yield fence[1].strip()
    decoder, at = json.JSONDecoder(), 0
    for _ in range(_MOST_PLACES):
        begin = re.compile(r"[{\[]").search(answer, at)
        if begin is None:
            return
        try:
            _, at = decoder.raw_decode(answer, begin.start())
            yield answer[begin.start() : at]
        except (ValueError, RecursionError):
            at = begin.end()
