"""`luna chat`: a conversation in the terminal with any server that speaks OpenAI's API."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from appliance.cli import connect
from appliance.cli.client import Client
from appliance.cli.terminal import Paper, can_dim
from appliance.errors import BadRequest, LunaError

_HELP = """\
/new          forget this conversation and begin another
/model NAME   go on with another model; without a name, list them
/help         this list
/quit         leave; so does Ctrl-D, or Ctrl-C at the prompt
Ctrl-C stops an answer that is being written."""
_ENDS = {
    "length": "[the answer was cut off: it reached its limit of tokens]",
    "content_filter": "[the answer was cut off by the server's filter]",
}


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "chat",
        help="talk to a model in the terminal",
        description="Talk to a model on this Luna, on another one, or on any server that speaks "
        "OpenAI's API. Ctrl-C stops an answer, /help lists what else can be typed. When the "
        "question comes through a pipe it is answered once.",
        epilog="Examples:\n  luna chat\n  luna chat --url http://luna.local --model luna-small\n"
        '  luna chat --once "How do I add a model?"\n'
        "  luna chat --system 'Answer in one sentence.' < question.txt",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    connect.add_options(parser, "the server (default: LUNA_URL, or http://localhost:8080)")
    parser.add_argument("--model", default="", help="model to talk to (default: the server's)")
    parser.add_argument("--system", default="", help="what the model is told before you speak")
    parser.add_argument(
        "--tools", action="store_true", help="let the server run its device tools for the model"
    )
    parser.add_argument("--once", metavar="QUESTION", help="answer one question and leave")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Talk until the user leaves; returns the exit status."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    paper = Paper(sys.stdout, dims=can_dim(sys.stdout, os.environ))
    talk = Talk(connect.client(args), args.model, args.system, device_tools=args.tools)
    if args.once is not None:
        return _answer_once(talk, args.once, paper)
    if not sys.stdin.isatty():
        return _answer_once(talk, sys.stdin.read(), paper)
    import readline  # noqa: F401  (gives input() its line editing)

    paper.line(f"Talking to {talk.client.url}; /help lists the commands.", dim=True)
    return converse(talk, paper, input)


@dataclass(slots=True)
class Talk:
    """A conversation; `model` "" leaves the choice to the server."""

    client: Client
    model: str = ""
    system: str = ""
    device_tools: bool = False
    turns: list[dict[str, str]] = field(default_factory=list)

    def request(self) -> dict[str, Any]:
        """The body that asks for the next answer."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        body: dict[str, Any] = {"messages": [*system, *self.turns], "model": self.model}
        return body | ({"luna_tools": True} if self.device_tools else {})

    def ask(self, question: str, paper: Paper) -> None:
        """Show the answer as it comes, and remember both.

        An answer that breaks off, or that Ctrl-C stops, is remembered as far as it came; a question
        without any answer is forgotten.
        """
        self.turns.append({"role": "user", "content": question})
        answer: list[str] = []
        try:
            with closing(self.client.chat(self.request())) as chunks:
                for chunk in chunks:
                    paper.write(chunk.delta.reasoning_content or "", dim=True)
                    paper.write(chunk.delta.content or "")
                    answer.append(chunk.delta.content or "")
                    if note := _ENDS.get(chunk.finish_reason or ""):
                        paper.line(note, dim=True)
        finally:
            paper.end_line()
            text = "".join(answer)
            if text:
                self.turns.append({"role": "assistant", "content": text})
            else:
                self.turns.pop()


def converse(talk: Talk, paper: Paper, read: Callable[[str], str]) -> int:
    """Questions and answers until `read` is at its end or is interrupted."""
    while True:
        try:
            line = read("> ").strip()
        except (EOFError, KeyboardInterrupt):
            paper.line("")
            return 0
        try:
            if line.startswith("/"):
                if not obey(line, talk, paper):
                    return 0
            elif line:
                talk.ask(line, paper)
        except KeyboardInterrupt:
            paper.line("[stopped]", dim=True)
        except LunaError as error:
            paper.line(f"! {error}")


def obey(line: str, talk: Talk, paper: Paper) -> bool:
    """Do what a line that begins with a slash says; False means to leave."""
    command, _, rest = line.partition(" ")
    name = rest.strip()
    match command:
        case "/quit" | "/exit":
            return False
        case "/new":
            talk.turns.clear()
            paper.line("[a new conversation]", dim=True)
        case "/model" if name:
            talk.model = name
            paper.line(f"[the next answers come from {name}]", dim=True)
        case "/model":
            paper.line("\n".join(_model_names(talk.client)) or "[the server has no models]")
        case "/help":
            paper.line(_HELP)
        case _:
            paper.line(f"There is no command {command}; /help lists those that there are.")
    return True


def _model_names(client: Client) -> list[str]:
    listed = client.get("/v1/models")
    rows = listed.get("data", []) if isinstance(listed, dict) else []
    return [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row]


def _answer_once(talk: Talk, question: str, paper: Paper) -> int:
    if not question.strip():
        raise BadRequest("There is no question: type one after --once, or send it on stdin.")
    talk.ask(question.strip(), paper)
    return 0
