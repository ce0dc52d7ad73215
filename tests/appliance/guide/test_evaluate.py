from pathlib import Path
from typing import Any

import pytest

from appliance.guide.evaluate import (
    CallCase,
    Outcome,
    Question,
    load_calls,
    load_questions,
    load_results,
    main,
    run_calls,
    run_questions,
    run_results,
    share,
    summary,
)
from appliance.guide.intents import Intent, Knowledge

KNOWLEDGE = Knowledge({"a": Intent("a", "A.", "Alpha."), "b": Intent("b", "B.", "Beta.")}, "No.")


class FakeGuide:
    """Answers from a table; the last message is the key."""

    def __init__(self, replies: dict[str, Any]) -> None:
        self.replies = replies

    def chat(self, messages: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        reply = self.replies[messages[-1]["content"]]
        return reply if isinstance(reply, dict) else {"content": reply}

    def ask(self, question: str, **_: Any) -> str:
        return str(self.replies[question])


def test_only_the_whole_answer_counts() -> None:
    guide: Any = FakeGuide({"1": "Alpha.", "2": "Alpha", "3": "Beta.", "4": "No.", "5": "No."})
    questions = [
        Question("1", ("a",)),
        Question("2", ("a",)),
        Question("3", ("a", "b")),
        Question("4", ("refuse",)),
        Question("5", ("b",)),
    ]
    outcomes = run_questions(guide, questions, KNOWLEDGE)
    assert [outcome.right for outcome in outcomes] == [True, False, True, True, False]
    assert summary("validation", outcomes) == (
        "validation: in scope  50.0% (2 of 4) right, out of scope 100.0% (1 of 1) refused"
    )


def test_a_call_must_be_the_only_one_and_the_right_one() -> None:
    call = {"tool_calls": [{"function": {"name": "t"}}]}
    guide: Any = FakeGuide({"1": call, "2": call, "3": "text", "4": "text"})
    cases = [CallCase(text, ("t",), name) for text, name in zip("1234", "tut", strict=False)]
    cases.append(CallCase("4", ("t",), ""))
    assert [outcome.right for outcome in run_calls(guide, cases)] == [True, False, False, True]


def test_results_must_come_back_letter_by_letter() -> None:
    guide: Any = FakeGuide({"It is 9.": "It is 9.", "It is 8.": "It is 9."})
    assert [o.right for o in run_results(guide, ["It is 9.", "It is 8."])] == [True, False]


def test_share_of_nothing_is_all() -> None:
    assert share([]) == 1.0
    assert share([Outcome("", "", True, ""), Outcome("", "", False, "")]) == 0.5


def test_questions_may_have_several_right_intents(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_text('[[question]]\ntext = "x"\nintent = "a"\nalso = ["b"]\n', encoding="utf-8")
    assert load_questions(path) == [Question("x", ("a", "b"))]


def test_the_shipped_sets_are_well_formed() -> None:
    for case in load_calls():
        assert case.tools
        assert case.call in {"", *case.tools}
    assert len(set(load_results())) == len(load_results()) >= 20


def test_the_command_prints_scores(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--only", "results"])
    assert capsys.readouterr().out.startswith("results: ")
