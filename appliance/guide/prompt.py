"""How the guide sees a request; the chat template in template.jinja does the same in the engine."""

from collections.abc import Sequence
from pathlib import Path

START = "<|im_start|>"
END = "<|im_end|>"
CALL = "<tool_call>"
CALL_END = "</tool_call>"

DROPPED = "'\u2019`"
SPACED = '.,!?;:"()[]{}<>|/\\-_*#~@&\n\t\u201c\u201d\u2026\u2013\u2014'
_TABLE = str.maketrans({**dict.fromkeys(DROPPED), **dict.fromkeys(SPACED, " ")})


def chat_template() -> str:
    """Return the Jinja chat template that is written into the model file."""
    return Path(__file__).with_name("template.jinja").read_text(encoding="utf-8").strip()


def plain(text: str) -> str:
    """Lower-case ASCII letters, drop quotes, turn other punctuation into single spaces."""
    lowered = "".join(c.lower() if c.isascii() else c for c in text)
    return " ".join(part for part in lowered.translate(_TABLE).split(" ") if part)


def question_prompt(question: str, tools: Sequence[str] = ()) -> str:
    """Prompt of a turn that ends with a user's message; `question` is already plain."""
    shown = f"{START}tools\n {' '.join(tools)}{END}\n" if tools else ""
    return f"{shown}{START}user\n {question}{END}\n{START}assistant\n"


def result_prompt(result: str) -> str:
    """Prompt of a turn that ends with the result of a tool."""
    return f"{START}tool\n{result}{END}\n{START}assistant\n"


def call_text(name: str, arguments: str = "{}") -> str:
    """Return a tool call in the Hermes format, with its arguments as JSON text."""
    return f'{CALL}\n{{"name": "{name}", "arguments": {arguments}}}\n{CALL_END}'
