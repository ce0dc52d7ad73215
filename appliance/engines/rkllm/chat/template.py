"""Chat templates as Hugging Face models carry them: a conversation becomes the model's own text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import CodeType
from typing import Any

import msgspec
from jinja2 import Template, TemplateError

from appliance.domain.messages import Message, ToolDefinition
from appliance.engines.messages import message_json, tool_json
from appliance.engines.rkllm.chat.meter import Meter, TooMuchWork
from appliance.engines.rkllm.chat.sandbox import Refused, Sandbox
from appliance.engines.rkllm.chat.tokenizer_config import (
    NamedTemplate,
    read_bytes,
    read_config,
)
from appliance.errors import BadRequest, EngineError, ModelLoadFailed

FILE = "chat_template.jinja"
_LARGEST = 2**18  # characters; the longest in common use have about 20 000
_LEAST_WORK = 2**22
_WORK_PER_CHARACTER = 64
_SECONDS = 5.0
_LONGEST_DATE_FORMAT = 100

# What Python code raises that a template made do something impossible.
_FAILURES = (
    TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError,
    TypeError, ValueError,
)  # fmt: skip


class ChatTemplate:
    """A compiled template; `tool_use` is rendered instead where there are tools.

    `special_tokens` are the variables `bos_token` and the like. `now` is the local time, which
    some templates tell the model. Raises ModelLoadFailed for a source that cannot be compiled.
    """

    def __init__(
        self,
        source: str,
        *,
        tool_use: str | None = None,
        special_tokens: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._code = _compiled(source)
        self._tool_use = self._code if tool_use is None else _compiled(tool_use)
        self._special_tokens = dict(special_tokens or {})
        self._now = now
        self.source = source if tool_use is None else tool_use
        told = msgspec.json.encode([source, tool_use, sorted(self._special_tokens.items())])
        self.digest = hashlib.sha256(told).hexdigest()

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolDefinition] = (),
        enable_thinking: bool | None = None,
        add_generation_prompt: bool = True,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """The prompt. `variables` are further ones that the template knows.

        Raises BadRequest with what the template says to a conversation that it does not take (a
        system message, two questions in a row), EngineError if the template itself fails.
        """
        given = [message_json(message, _arguments) for message in messages]
        offered = [tool_json(tool) for tool in tools] or None
        size = len(repr((given, offered)))
        sandbox = Sandbox(Meter(_LEAST_WORK + _WORK_PER_CHARACTER * size, _SECONDS))
        sandbox.globals |= {"raise_exception": _refuse, "strftime_now": self._strftime}
        thinking = {} if enable_thinking is None else dict.fromkeys(
            ("enable_thinking", "thinking"), enable_thinking
        )  # fmt: skip
        code = self._tool_use if offered else self._code
        values = {
            **self._special_tokens, **thinking, **(variables or {}),
            "messages": given, "tools": offered, "add_generation_prompt": add_generation_prompt,
        }  # fmt: skip
        try:
            return Template.from_code(sandbox, code, sandbox.globals).render(values)
        except Refused as error:
            raise BadRequest(
                f"The model's chat template does not take this conversation: {error.message}",
                param="messages",
            ) from error
        except TooMuchWork as error:
            raise EngineError(f"The model's chat template was stopped: {error.message}.") from error
        except _FAILURES as error:
            raise EngineError(
                f"The model's chat template fails on this conversation ({error}). Name another "
                "template in the model's luna.toml."
            ) from error

    def _strftime(self, form: str) -> str:
        if len(form) > _LONGEST_DATE_FORMAT:
            raise ValueError("the date format is too long")
        return self._now().strftime(form)


def load_template(folder: Path, chosen: str | None = None) -> ChatTemplate | None:
    """The template of a model's folder, or None where it has none; raises ModelLoadFailed.

    `chosen` is a source from the manifest; next come chat_template.jinja and the configuration.
    """
    config = read_config(folder)
    special = config.special_tokens()
    if chosen is not None:
        return ChatTemplate(chosen, special_tokens=special)
    if (folder / FILE).is_file():
        source = read_bytes(folder / FILE).decode(errors="replace")
        return ChatTemplate(source, special_tokens=special)
    if isinstance(config.chat_template, str):
        return ChatTemplate(config.chat_template, special_tokens=special)
    if config.chat_template:
        default, tool_use = _of_named(config.chat_template)
        return ChatTemplate(default, tool_use=tool_use, special_tokens=special)
    return None


def _of_named(named: Sequence[NamedTemplate]) -> tuple[str, str | None]:
    """The one called "default", else the first; and the one for tools, if there is one."""
    sources = {each.name: each.template for each in reversed(named)}
    return sources.get("default", named[0].template), sources.get("tool_use")


def _compiled(source: str) -> CodeType:
    if len(source) > _LARGEST:
        raise ModelLoadFailed("The model's chat template is too large to be one.")
    try:
        return Sandbox(Meter(_LEAST_WORK, _SECONDS)).compiled(source)
    except (*_FAILURES, SyntaxError) as error:
        raise ModelLoadFailed(
            f"The model's chat template cannot be used: {error}. Name another one in the model's "
            "luna.toml."
        ) from error


def _refuse(message: object) -> None:
    raise Refused(str(message))


def _arguments(text: str) -> Any:
    """Templates write arguments as JSON themselves; what is none stays the text that it is."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return text
