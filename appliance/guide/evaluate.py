"""Score a guide model: `python -m appliance.guide.evaluate --model luna-guide.gguf`.

Every set is asked through llama.cpp's server at temperature 0 (or as told); an answer counts
only if it is the intent's answer, letter by letter.
"""

import argparse
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.guide import model_path
from appliance.guide.engine import GuideServer
from appliance.guide.intents import FOLDER, REFUSE, Knowledge, load_knowledge

QUESTION_SETS = ("validation", "blind")
SETS = (*QUESTION_SETS, "calls", "results")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the intents whose answers are right."""

    text: str
    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallCase:
    """A question asked with tools, and the one that must be called ("" for none)."""

    text: str
    tools: tuple[str, ...]
    call: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was asked, what was expected (an intent, a call, a text), what came instead if wrong."""

    text: str
    expected: str
    right: bool
    got: str


def _items(path: Path, key: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))[key]
    return items


def load_questions(path: Path) -> list[Question]:
    """Read a question set."""
    return [
        Question(item["text"], (item["intent"], *item.get("also", ())))
        for item in _items(path, "question")
    ]


def load_calls(path: Path = FOLDER / "calls.toml") -> list[CallCase]:
    """Read the tool-call set."""
    return [
        CallCase(item["text"], tuple(item["tools"]), item.get("call", ""))
        for item in _items(path, "call")
    ]


def load_results(path: Path = FOLDER / "results.toml") -> list[str]:
    """Read the tool results that must be repeated."""
    texts: list[str] = tomllib.loads(path.read_text(encoding="utf-8"))["results"]
    return texts


def tool_definition(name: str) -> dict[str, Any]:
    """Return an OpenAI tool without parameters."""
    function = {
        "name": name,
        "description": name,
        "parameters": {"type": "object", "properties": {}},
    }
    return {"type": "function", "function": function}


def run_questions(
    server: GuideServer, questions: Iterable[Question], knowledge: Knowledge, **options: Any
) -> list[Outcome]:
    """Ask each question and compare with the answers of its intents."""
    names = {intent.answer: intent.id for intent in knowledge.intents.values()}
    names[knowledge.refusal] = REFUSE
    outcomes = []
    for question in questions:
        reply = server.ask(question.text, **options)
        got = names.get(reply, reply)
        outcomes.append(Outcome(question.text, question.intents[0], got in question.intents, got))
    return outcomes


def run_calls(server: GuideServer, cases: Iterable[CallCase]) -> list[Outcome]:
    """Ask each question with its tools and compare the names of the calls."""
    outcomes = []
    for case in cases:
        tools = [tool_definition(name) for name in case.tools]
        message = server.chat([{"role": "user", "content": case.text}], tools=tools)
        called = [call["function"]["name"] for call in message.get("tool_calls") or ()]
        expected = [case.call] if case.call else []
        got = ", ".join(called) or str(message.get("content"))
        outcomes.append(Outcome(case.text, case.call or "(text)", called == expected, got))
    return outcomes


def run_results(server: GuideServer, results: Iterable[str]) -> list[Outcome]:
    """Hand each result to the model and compare its answer."""
    outcomes = []
    for result in results:
        call = {"name": "get_current_time", "arguments": "{}"}
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": "How is it?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "1", "content": result},
        ]
        reply = server.chat(messages, tools=[tool_definition("get_current_time")])
        got = reply.get("content") or ""
        outcomes.append(Outcome(result, result, got == result, got))
    return outcomes


def run_set(server: GuideServer, name: str, **options: Any) -> list[Outcome]:
    """Run one of SETS; `options` are sampling options for the question sets."""
    if name == "calls":
        return run_calls(server, load_calls())
    if name == "results":
        return run_results(server, load_results())
    return run_questions(
        server, load_questions(FOLDER / f"{name}.toml"), load_knowledge(), **options
    )


def share(outcomes: Sequence[Outcome]) -> float:
    """Part of the outcomes that are right; 1.0 for none."""
    return sum(outcome.right for outcome in outcomes) / len(outcomes) if outcomes else 1.0


def summary(name: str, outcomes: Sequence[Outcome]) -> str:
    """Return the line of scores for one set."""

    def score(part: Sequence[Outcome]) -> str:
        return f"{share(part):6.1%} ({sum(o.right for o in part)} of {len(part)})"

    if name not in QUESTION_SETS:
        return f"{name}: {score(outcomes)} right"
    inside = [outcome for outcome in outcomes if outcome.expected != REFUSE]
    outside = [outcome for outcome in outcomes if outcome.expected == REFUSE]
    return f"{name}: in scope {score(inside)} right, out of scope {score(outside)} refused"


def _report(name: str, outcomes: Sequence[Outcome]) -> None:
    print(summary(name, outcomes))
    wrong = [outcome for outcome in outcomes if not outcome.right]
    if name == "blind":
        # Nobody may tune on these questions, so only counts are shown.
        total = Counter(outcome.expected for outcome in outcomes)
        missed = Counter(outcome.expected for outcome in wrong)
        print("  missed:", ", ".join(f"{i} {n}/{total[i]}" for i, n in sorted(missed.items())))
        return
    for outcome in wrong:
        print(f"  {outcome.expected}: {outcome.text!r} -> {outcome.got!r}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=model_path())
    parser.add_argument("--only", choices=SETS, action="append", help="run only these sets")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with GuideServer(options.model) as server:
        for name in options.only or SETS:
            sampling = {"temperature": options.temperature, "seed": options.seed}
            _report(name, run_set(server, name, **sampling))


if __name__ == "__main__":
    main()
