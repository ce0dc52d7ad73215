"""The process that a tool runs in: one call from stdin as JSON, one line of JSON as the answer.

It is started as a file with `python -I`, so it imports nothing of Luna itself, and starts in a
few hundredths of a second. Whatever the tool prints goes to stdout and stderr; the answer has a
file descriptor of its own, whose number is the only argument.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve the call. The process may be killed at any moment; its caller sees to that."""
    with open(int(sys.argv[1]), "wb") as answer:  # noqa: PTH123 - a descriptor, not a path
        os.set_inheritable(answer.fileno(), False)
        call = json.load(sys.stdin.buffer)
        # Should the caller be gone by then, nobody else would end a tool that hangs.
        signal.alarm(math.ceil(call["seconds"]) + 1)
        answer.write(json.dumps(run(call)).encode("ascii") + b"\n")


def run(call: dict[str, Any]) -> dict[str, str]:
    """The result as {"text": …}, or {"failure": …} if the tool raised something."""
    try:
        function = load(Path(call["path"]), call["function"], call["packages"])
        return {"text": cut(as_text(function(**call["arguments"])), call["characters"])}
    except Exception as error:  # outermost loop
        traceback.print_exc()
        return {"failure": cut(": ".join(filter(None, (type(error).__name__, str(error)))), 500)}


def load(path: Path, name: str, packages: str) -> Callable[..., object]:
    """The function of a file; never from a compiled copy, which others might have written."""
    if packages not in sys.path:
        sys.path.append(packages)  # behind all else: tools may use Luna's readings
    module = types.ModuleType("luna_tool")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses and others look it up
    exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    function: Callable[..., object] = getattr(module, name)
    return function


def as_text(result: object) -> str:
    """A string as it is, nothing as "done", anything else as JSON."""
    if result is None:
        return "done"
    if isinstance(result, str):
        return result
    return json.dumps(result, ensure_ascii=False, default=str)


def cut(text: str, characters: int) -> str:
    """At most so many characters, with a note if some are missing, and nothing but true ones."""
    if len(text) > characters:
        note = f"… (cut, it had {len(text)} characters)"
        text = text[: max(0, characters - len(note))] + note
    return text.encode("utf-8", "replace").decode("utf-8")


if __name__ == "__main__":
    main()
