"""How a model is spoken to: with its own template and tokenizer, or with the runtime's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.domain.requests import ChatRequest, CompletionRequest, Prompt
from appliance.engines.rkllm.chat import tokenizer as tokenizers
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter, opens_reasoning
from appliance.engines.rkllm.chat.template import ChatTemplate, load_template
from appliance.engines.rkllm.chat.tokenizer import Tokenizer
from appliance.engines.rkllm.chat.toolcalls import ToolCallParser
from appliance.engines.rkllm.chat.toolchoice import forced_opening, offered
from appliance.engines.rkllm.chat.toolformats import format_of
from appliance.engines.rkllm.reply import Reply
from appliance.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Asked:
    """What the runtime is given, and what reads its answer. Text is put into its own template."""

    prompt: Prompt
    reply: Reply
    thinking: bool = False


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
        return Asked(prompt, Reply((*request.generation.stop, *stops)))

    def whole(self, prompt: Prompt) -> Prompt:
        """A text as the model expects it to begin and end, where it is known how."""
        if isinstance(prompt, tuple) or self._tokenizer is None:
            return prompt
        return self._tokenizer.encode(prompt, special=True)

    def turn(self, request: ChatRequest, stops: tuple[str, ...]) -> Asked:
        """The next turn of a conversation; raises BadRequest, Unsupported."""
        if self._template is None:
            raise Unsupported("no template")
        tools = offered(request)
        text = self._template.render(request.messages, tools, request.thinking)
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
        return Asked(self.tokenizer.encode(text), reply)
