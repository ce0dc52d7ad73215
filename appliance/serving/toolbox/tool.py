"""A device tool as a value, and the check of what a model wants to call it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from appliance.errors import LunaError


class ToolFailed(LunaError):
    """A tool gave no result; the message is a sentence that a model can act on."""

    code = "tool_failed"


@dataclass(frozen=True, slots=True)
class DeviceTool:
    """A function in a file; `parameters` is the JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]
    path: Path
    arguments: type[msgspec.Struct] = field(repr=False, compare=False)

    def parse(self, text: str) -> dict[str, object]:
        """The arguments in a model's JSON; no text means none. Raises ToolFailed."""
        try:
            parsed = msgspec.json.decode(text if text.strip() else "{}", type=self.arguments)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
            raise ToolFailed(
                f"The arguments of {self.name} are not right: {error}. {self._usage()}"
            ) from error
        return dict(msgspec.to_builtins(parsed))

    def _usage(self) -> str:
        fields = msgspec.structs.fields(self.arguments)
        if not fields:
            return "It takes none, so send {}."
        names = (f"{each.name}{'' if each.required else ' (optional)'}" for each in fields)
        return f"Send a JSON object with: {', '.join(names)}."
