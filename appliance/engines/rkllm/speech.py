"""How a model is spoken to: with its own template and tokenizer, or with the runtime's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.messages import Message
from appliance.domain.requests import ChatRequest, CompletionRequest, Prompt
from appliance.engines.rkllm.chat import tokenizer as tokenizers
from appliance.engines.rkllm.chat.answer import AnswerReader
from appliance.engines.rkllm.chat.flatten import flattened, with_tools
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter, opens_reasoning
from appliance.engines.rkllm.chat.stable import stable_prefix
from appliance.engines.rkllm.chat.template import ChatTemplate, load_template
from appliance.engines.rkllm.chat.tokenizer import Tokenizer
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolchoice import forced_opening, instruction
from appliance.engines.rkllm.chat.toolformats import HERMES, ToolFormat, format_of
from appliance.errors import BadRequest, LunaError, Unsupported


@dataclass(frozen=True, slots=True)
class Asked:
    """What the runtime is given, and what reads its answer. Text is put into its own template.

    `shared` works out which first tokens other conversations may have too.
    """

    prompt: Prompt
    reader: AnswerReader
    thinking: bool = False
    shared: Callable[[], tuple[int, ...]] = tuple


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

    @property
    def template(self) -> ChatTemplate:
        """The chat template; raises Unsupported where there is none."""
        if self._template is None:
            raise Unsupported(
                "This needs the model's own chat template: copy tokenizer.json and "
                "tokenizer_config.json from where the model was made into its folder."
            )
        return self._template

    def spelling(self, token: int | None) -> str:
        """How a token is written, "" for None; raises Unsupported without a tokenizer."""
        return "" if token is None else self.tokenizer.decode((token,), special=True)

    def prompt(self, request: ChatRequest) -> str:
        """The text that a conversation becomes; raises BadRequest, Unsupported."""
        messages, render = self._rendering(request, self.template)
        return render(messages)

    def continuation(self, request: CompletionRequest, stops: tuple[str, ...]) -> Asked:
        """The continuation of a prompt; raises BadRequest, Unsupported."""
        if request.suffix is not None:
            raise Unsupported("The NPU cannot fill in before a suffix.", param="suffix")
        prompt = request.prompt
        if isinstance(prompt, str):
            prompt = self.tokenizer.encode(prompt, special=True)
        stops = (*request.generation.stop, *stops)
        return Asked(self.whole(prompt), AnswerReader(ReasoningSplitter(keep=True), stops=stops))

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
        """The next turn of a conversation; raises BadRequest, EngineError."""
        stops = (*request.generation.stop, *stops)
        if self._template is None or self._tokenizer is None:
            return _flat(request, stops)
        return self._rendered(request, stops, self._tokenizer, self._template)

    def _rendered(
        self,
        request: ChatRequest,
        stops: tuple[str, ...],
        tokenizer: Tokenizer,
        template: ChatTemplate,
    ) -> Asked:
        messages, render = self._rendering(request, template)

        def shared() -> tuple[int, ...]:
            try:
                return stable_prefix(
                    lambda turns: tokenizer.encode(render(turns)), messages, tokens
                )
            except LunaError:  # a template that takes this conversation, but not the probes of it
                return ()

        text = render(messages)
        opening = forced_opening(self._format or HERMES, request, text)
        splitter = ReasoningSplitter(
            opened=opening is None and opens_reasoning(text), keep=request.reasoning_in_content
        )
        if opening is not None:
            text += opening.prompt
        tokens = tokenizer.encode(text)
        said = "" if opening is None else opening.said
        reader = AnswerReader(splitter, _parser(request, self._format), stops, said)
        return Asked(tokens, reader, shared=shared)

    def _rendering(
        self, request: ChatRequest, template: ChatTemplate
    ) -> tuple[Sequence[Message], Callable[[Sequence[Message]], str]]:
        """The messages, and what renders them; a template without tools has them told as text."""
        tools = request.offered
        taught = tools if self._format is None else ()
        known = () if taught else tools
        messages = with_tools(request.messages, taught) if taught else request.messages
        return messages, lambda turns: template.render(turns, known, request.thinking)


def _flat(request: ChatRequest, stops: tuple[str, ...]) -> Asked:
    """One text for the runtime's own template, which knows a single question."""
    tools = request.offered
    messages = with_tools(request.messages, tools) if tools else request.messages
    text = "\n\n".join(filter(None, [flattened(messages), instruction(request)]))
    splitter = ReasoningSplitter(keep=request.reasoning_in_content)
    reader = AnswerReader(splitter, _parser(request, None), stops)
    return Asked(text, reader, thinking=request.thinking is not False)


def _parser(request: ChatRequest, format: ToolFormat | None) -> ToolCallParser | None:
    tools = request.offered
    if not tools:
        return None
    return ToolCallParser(format or HERMES, tools, parallel=request.parallel_tool_calls)
