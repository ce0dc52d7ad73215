"""How a model is spoken to: with its own template and tokenizer, or with the runtime's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.messages import Message, Role, ToolDefinition
from appliance.domain.requests import ChatRequest, CompletionRequest, Prompt
from appliance.engines.rkllm.chat import tokenizer as tokenizers
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter, opens_reasoning
from appliance.engines.rkllm.chat.stable import stable_prefix
from appliance.engines.rkllm.chat.template import ChatTemplate, load_template
from appliance.engines.rkllm.chat.tokenizer import Tokenizer
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolchoice import forced_opening, offered
from appliance.engines.rkllm.chat.toolformats import format_of
from appliance.engines.rkllm.reply import Reply
from appliance.errors import BadRequest, Unsupported


@dataclass(frozen=True, slots=True)
class Asked:
    """What the runtime is given, and what reads its answer. Text is put into its own template.

    `stable` works out which first tokens other conversations may have too.
    """

    prompt: Prompt
    reply: Reply
    thinking: bool = False
    stable: Callable[[], tuple[int, ...]] = tuple


class Speech:
    """The model's own language, as far as its files are there.

    Without `tokenizer` or `template` the runtime's are used: it takes one text, of a user.
    """

    def __init__(self, tokenizer: Tokenizer | None, template: ChatTemplate | None) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._format = None if template is None else format_of(template.source)

    @classmethod
    def load(cls, folder: Path | None, chosen: str | None) -> Speech:
        """From a model's folder, if it has one; `chosen` is a template that replaces its own.

        Raises ModelLoadFailed.
        """
        if folder is None or not (folder / tokenizers.NAME).is_file():
            return cls(None, None)
        return cls(Tokenizer.load(folder), load_template(folder, chosen))

    @property
    def digest(self) -> str:
        """What tells its template from others."""
        return "" if self._template is None else self._template.digest

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer; raises Unsupported where there is none."""
        if self._tokenizer is None:
            raise Unsupported(
                f"This needs the model's own tokenizer: copy {tokenizers.NAME} and "
                "tokenizer_config.json from where the model was made into its folder."
            )
        return self._tokenizer

    def continuation(self, request: CompletionRequest, stops: tuple[str, ...]) -> Asked:
        """The continuation of a prompt; raises Unsupported."""
        if request.suffix is not None:
            raise Unsupported("The NPU cannot fill in before a suffix.", param="suffix")
        prompt = request.prompt
        if isinstance(prompt, str):
            prompt = self.tokenizer.encode(prompt, special=True)
        return Asked(self.whole(prompt), Reply((*request.generation.stop, *stops)))

    def whole(self, prompt: Prompt) -> Prompt:
        """A text as the model expects it to begin and end; tokens are checked. Where it is known.

        Raises BadRequest.
        """
        if self._tokenizer is None:
            return prompt
        if isinstance(prompt, str):
            return self._tokenizer.encode(prompt, special=True)
        if prompt and not 0 <= min(prompt) <= max(prompt) < self._tokenizer.size:
            raise BadRequest(f"Token ids of this model are 0 to {self._tokenizer.size - 1}.")
        return prompt

    def turn(self, request: ChatRequest, stops: tuple[str, ...]) -> Asked:
        """The next turn of a conversation; raises BadRequest, Unsupported."""
        tools = offered(request)
        if self._template is None or self._tokenizer is None:
            return self._flat(request, stops, tools)
        tokenizer, template = self._tokenizer, self._template
        if tools and self._format is None:
            raise Unsupported(
                "This model's chat template knows no tools; choose another model, or name another "
                "template in its luna.toml.",
                param="tools",
            )

        def render(messages: Sequence[Message]) -> tuple[int, ...]:
            return tokenizer.encode(template.render(messages, tools, request.thinking))

        text = template.render(request.messages, tools, request.thinking)
        parser, opening = None, None
        if tools and self._format is not None:
            opening = forced_opening(self._format, request, text)
            parser = ToolCallParser(self._format, tools, parallel=request.parallel_tool_calls)
        splitter = ReasoningSplitter(
            opened=opening is None and opens_reasoning(text), keep=request.reasoning_in_content
        )
        if opening is not None:
            text += opening.prompt
        said = "" if opening is None else opening.said
        reply = Reply((*request.generation.stop, *stops), splitter, parser, said)
        tokens = tokenizer.encode(text)
        return Asked(tokens, reply, stable=lambda: stable_prefix(render, request.messages, tokens))

    def _flat(
        self, request: ChatRequest, stops: tuple[str, ...], tools: tuple[ToolDefinition, ...]
    ) -> Asked:
        """One text for the runtime's own template, which knows a single question."""
        if tools:
            raise Unsupported(
                "Tools need the model's own chat template: copy tokenizer.json and "
                "tokenizer_config.json from where the model was made into its folder.",
                param="tools",
            )
        splitter = ReasoningSplitter(keep=request.reasoning_in_content)
        reply = Reply((*request.generation.stop, *stops), splitter)
        return Asked(flattened(request.messages), reply, thinking=request.thinking is not False)


def flattened(messages: Sequence[Message]) -> str:
    """A conversation as one question: what was said before is told in it, turn by turn."""
    *before, last = messages
    rules = [each.content for each in before if each.role is Role.SYSTEM]
    turns = [each for each in before if each.role is not Role.SYSTEM]
    told = [f"{each.role.capitalize()}: {each.content}" for each in turns]
    story = ["The conversation so far:", *told, "Answer the next message:"] if told else []
    return "\n\n".join([*rules, *story, last.content])
