"""How models write tool calls, and which of the ways a chat template taught its model."""

from __future__ import annotations

import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """JSON calls behind `opening`; `closing` ends each, "" where the JSON ends by itself.

    An answer that begins with `bare` is a call too: its opening is a special token, which the
    runtime may leave out. `listed` calls stand in a JSON array, `separator` between calls.
    `arguments` is what this format calls them; parsing takes either name.
    """

    name: str
    opening: str
    closing: str = ""
    bare: str = ""
    separator: str = ""
    listed: bool = False
    arguments: str = "arguments"

    def new_id(self) -> str:
        """An id for a call; templates of Mistral take nine letters or digits and nothing else."""
        return secrets.token_hex(5)[:9] if self.listed else f"call_{secrets.token_hex(12)}"


HERMES = ToolFormat("hermes", "<tool_call>", closing="</tool_call>")
LLAMA3 = ToolFormat("llama3", "<|python_tag|>", bare="{", separator=";", arguments="parameters")
MISTRAL = ToolFormat("mistral", "[TOOL_CALLS]", bare="[", separator=",", listed=True)


def format_of(template: str) -> ToolFormat | None:
    """The format that a template's source renders calls in; None if it knows nothing of tools."""
    for each in (MISTRAL, HERMES, LLAMA3):
        if each.opening in template:
            return each
    if "<|start_header_id|>" in template and "tools" in template:
        return LLAMA3
    return None
