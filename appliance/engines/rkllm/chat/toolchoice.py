"""`tool_choice`: which tools are offered, how a call is brought about, and whether one came.

The runtime cannot be bound to a grammar. But where we write the prompt ourselves, the answer's
first characters can stand in it, and then a model can only go on with a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from appliance.domain.requests import ChatRequest
from appliance.engines.rkllm.chat.reasoning import CLOSE, opens_reasoning
from appliance.engines.rkllm.chat.toolformats import ToolFormat


@dataclass(frozen=True, slots=True)
class Opening:
    """The first characters of an answer: `prompt` ends the prompt, `said` goes into the parser."""

    prompt: str
    said: str


def forced_opening(format: ToolFormat, request: ChatRequest, prompt: str) -> Opening | None:
    """How the answer to a rendered `prompt` must begin; None where no call is required.

    A prompt that ends within the model's thoughts has them closed: it is to act now.
    """
    tools = request.offered
    if request.tool_choice.mode != "required" or not tools:
        return None
    close_thoughts = f"\n{CLOSE}\n\n" if opens_reasoning(prompt) else ""
    if format.marker:
        said = format.opening + (f"{tools[0].name}{format.marker}{{" if len(tools) == 1 else "")
        return Opening(close_thoughts + said, said)
    said = format.opening + ("[" if format.listed else "\n" if format.closing else "")
    if format.bare == "{":
        said = ""  # such a call needs no opening, and models write most of theirs without
    said += '{"name": "'
    if len(tools) == 1:
        name = msgspec.json.encode(tools[0].name).decode()
        said = f'{said[:-1]}{name}, "{format.arguments}": {{'
    return Opening(close_thoughts + said, said)


def instruction(request: ChatRequest) -> str:
    """The same wish as a sentence, for prompts whose end is not ours; "" where there is none."""
    tools = request.offered
    sentences = []
    if tools and request.tool_choice.mode == "required":
        which = f"the function {tools[0].name}" if len(tools) == 1 else "one of the functions"
        sentences.append(f"Answer with a call of {which}, and with nothing else.")
    if tools and not request.parallel_tool_calls:
        sentences.append("Call one function at most.")
    return " ".join(sentences)


def missing_call(request: ChatRequest, called: Sequence[str]) -> str:
    """What is wrong with an answer that called these tools; "" where nothing is."""
    if called or request.tool_choice.mode != "required":
        return ""
    names = " or ".join(tool.name for tool in request.offered)
    return f"The model was required to call {names}, but did not."
