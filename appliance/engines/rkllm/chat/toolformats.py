"""How models write tool calls, and which of the ways a chat template taught its model."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from appliance.engines.rkllm.chat.callnamed import MARKER


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """JSON calls behind `opening`; `closing` ends each, "" where the JSON ends by itself.

    An answer that begins with `bare` is a call too: its opening is a special token, which the
    runtime may leave out. `listed` calls stand in a JSON array, `separator` between calls.
    `arguments` is what this format calls them; parsing takes either name. With a `marker` a call is
    its name, the marker and its arguments. Templates of `short_ids` take nine letters or digits and
    no other id.
    """

    name: str
    opening: str
    closing: str = ""
    bare: str = ""
    separator: str = ""
    listed: bool = False
    arguments: str = "arguments"
    marker: str = ""
    short_ids: bool = False

    def new_id(self) -> str:
        """An id for a call."""
        return secrets.token_hex(5)[:9] if self.short_ids else f"call_{secrets.token_hex(12)}"


HERMES = ToolFormat("hermes", "<tool_call>", closing="</tool_call>")
LLAMA3 = ToolFormat("llama3", "<|python_tag|>", bare="{", separator=";", arguments="parameters")
MISTRAL = ToolFormat(
    "mistral", "[TOOL_CALLS]", bare="[", separator=",", listed=True, short_ids=True
)
MISTRAL_NAMED = ToolFormat("mistral-named", "[TOOL_CALLS]", marker=MARKER, short_ids=True)


def format_of(template: str) -> ToolFormat | None:
    """The format that a template's source renders calls in; None if it knows nothing of tools."""
    if MISTRAL_NAMED.opening in template and MARKER in template:
        return MISTRAL_NAMED
    for each in (MISTRAL, HERMES, LLAMA3):
        if each.opening in template:
            return each
    if "<|start_header_id|>" in template and "tools" in template:
        return LLAMA3
    return None
