"""What a caller asks of a model, parsed and checked; dialects make these, engines read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from appliance.domain.messages import Message, ToolDefinition
from appliance.domain.sampling import Sampling

Prompt = str | tuple[int, ...]
"""Text, or token ids of the model's own vocabulary."""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether tools may, must or must not be called; `name` narrows "required" to one tool."""

    mode: Literal["auto", "none", "required"] = "auto"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The form of the answer; `schema` is a JSON schema, with kind "json_schema" only."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """What all generating requests share.

    `max_tokens` None means up to the end of the context. `logprobs` None asks for none, a number
    for that many alternatives beside each token. `n` is the number of choices. `options` are more
    settings by llama.cpp's names, checked by the dialect; an engine may not know them.
    `keep_alive` is how many seconds the model stays in memory after it, None as long as before.
    """

    model: str
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    logprobs: int | None = None
    n: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_alive: float | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The next turn of a conversation.

    `thinking` None leaves reasoning to the model's template. `reasoning_in_content` keeps the
    `<think>` text where the model wrote it. `device_tools` names tools that Luna itself runs.
    """

    generation: Generation
    messages: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    parallel_tool_calls: bool = True
    response_format: ResponseFormat = field(default_factory=ResponseFormat)
    thinking: bool | None = None
    reasoning_in_content: bool = False
    device_tools: frozenset[str] = frozenset()

    @property
    def offered(self) -> tuple[ToolDefinition, ...]:
        """The tools that may be called: all, the named one, or none."""
        if self.tool_choice.mode == "none":
            return ()
        return tuple(tool for tool in self.tools if self.tool_choice.name in (None, tool.name))


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """The continuation of a text, or with `suffix` what stands between two texts."""

    generation: Generation
    prompt: Prompt
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Vectors for each of `inputs`, in order; `dimensions` cuts them (and normalises again).

    `keep_alive` is that of a `Generation`. With `truncate` an input that is too long for the model
    is cut, not refused.
    """

    model: str
    inputs: tuple[Prompt, ...]
    dimensions: int | None = None
    keep_alive: float | None = None
    truncate: bool = False


def prompt_size(request: ChatRequest | CompletionRequest) -> int:
    """A rough count of prompt tokens, for time limits only: three bytes a token, never zero."""
    if isinstance(request, CompletionRequest):
        prompt = request.prompt
        return len(prompt) if isinstance(prompt, tuple) else 1 + len(prompt.encode()) // 3
    return 1 + sum(4 + len(message.content.encode()) // 3 for message in request.messages)
