"""Answers as JSON from a runtime without grammars: told to the model, checked, asked for again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jsonschema_rs
import msgspec

from appliance.domain.messages import Message, Role
from appliance.domain.requests import ResponseFormat
from appliance.engines.rkllm.chat.schemacost import TooCostly, steps, unsupported
from appliance.errors import BadRequest

ATTEMPTS = 3
"""How often a model is asked at most; the last answer is given even if it is wrong."""

_FENCE = re.compile(r"```[\w-]*\s(.*?)```", re.DOTALL)
_MOST_PLACES = 8  # where JSON may begin inside of other text
_LONGEST_PROBLEM = 400  # characters
_LONGEST_SCHEMA = 32_000  # characters; it becomes part of the prompt
_MOST_STEPS = 1_000_000
_MOST_EXPLAINED_STEPS = 2_000  # the library's explanation takes thousands of times as long


@dataclass(frozen=True, slots=True)
class Checked:
    """The JSON of an answer, and what is wrong with it, "" if nothing is.

    Where no JSON was found `text` is the whole answer.
    """

    text: str
    problem: str = ""


class JsonMode:
    """What `response_format` asks for; raises BadRequest for a schema that makes no sense.

    Nothing is fetched for a schema, and its patterns are run by an engine that takes linear time,
    so look-around and back-references are refused. References must stay within the schema.
    """

    def __init__(self, wanted: ResponseFormat) -> None:
        self._schema: dict[str, Any] | None = None
        self._validator: jsonschema_rs.Validator | None = None
        if wanted.kind == "json_schema":
            self._schema = dict(wanted.schema or {})
            self._validator = _validator(self._schema)

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
        if self._validator is None:
            return "" if isinstance(value, dict) else "it is not a JSON object"
        try:
            cost = steps(self._schema, value)
        except TooCostly:
            cost = _MOST_STEPS + 1
        if cost > _MOST_STEPS:
            return "it is too intricate to be checked against the schema"
        try:
            if cost > _MOST_EXPLAINED_STEPS:
                valid = self._validator.is_valid(value)
                return "" if valid else "it is not valid under the schema"
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            place = "".join(f"[{part!r}]" for part in error.instance_path)
            where = f"at {place}: " if place else ""
            return f"{where}{error.message[:_LONGEST_PROBLEM]}"
        except ValueError as error:
            return str(error)[:_LONGEST_PROBLEM]
        return ""


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    param = "response_format.json_schema.schema"
    if len(msgspec.json.encode(schema)) > _LONGEST_SCHEMA:
        raise BadRequest(
            f"The JSON schema is too long for this model: {_LONGEST_SCHEMA} characters at most.",
            param=param,
        )
    if keyword := unsupported(schema):
        raise BadRequest(f"The JSON schema cannot be used: it has {keyword}.", param=param)
    try:
        return jsonschema_rs.validator_for(
            schema, offline=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError as error:
        why = str(error).partition("\n")[0][:_LONGEST_PROBLEM]
        raise BadRequest(f"The JSON schema cannot be used: {why}", param=param) from error


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
