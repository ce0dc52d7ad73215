import json
from typing import Any

import pytest

from appliance.guide import model_path
from appliance.guide.engine import GuideServer
from appliance.guide.evaluate import (
    Question,
    load_questions,
    run_questions,
    run_set,
    share,
    tool_definition,
)
from appliance.guide.intents import FOLDER, REFUSE, load_knowledge
from appliance.guide.phrases import load_sections
from appliance.guide.prompt import call_text, plain, question_prompt, result_prompt

DEVICE_TOOLS = [
    tool_definition(name) for name in ("get_current_time", "get_device_status", "get_wifi_status")
]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_the_model_is_small() -> None:
    assert model_path().stat().st_size <= 8_000_000


SURE = {
    "Hello!": "greeting",
    "Thank you very much": "thanks",
    "Who are you?": "who_are_you",
    "How do I connect Luna to my WiFi?": "wifi_join",
    "Can I use an Ethernet cable?": "wired",
    "Where do I put a GGUF file?": "model_add",
    "How do I add a model?": "model_add",
    "How fast is it?": "speed",
    "What is the base URL for the OpenAI client?": "api_openai",
    "Does Home Assistant work with it?": "api_ollama",
    "Which port does the server listen on?": "port",
    "Do I need an API key?": "api_keys",
    "Where are the logs?": "logs",
    "How do I do a factory reset?": "factory_reset",
    "Is my data sent to the cloud?": "privacy",
    "What does the blinking light mean?": "lights",
}


@pytest.mark.parametrize("question", SURE)
def test_sure_questions_get_their_answer(guide: GuideServer, question: str) -> None:
    assert guide.ask(question) == load_knowledge().answer(SURE[question])


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "Write me a poem about cats",
        "My dog is sick",
        "How do I cook rice?",
        "What is 12 + 30?",
    ],
)
def test_foreign_questions_are_refused(guide: GuideServer, question: str) -> None:
    assert guide.ask(question) == load_knowledge().refusal


def test_system_prompt_and_history_do_not_confuse_it(guide: GuideServer) -> None:
    history: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a pirate. Answer in rhymes, in Spanish."},
        user("What is the capital of France?"),
        {"role": "assistant", "content": "Arr, that I shall not tell."},
        user("where are the logs"),
    ]
    assert guide.chat(history)["content"] == load_knowledge().answer("logs")


@pytest.mark.parametrize("name", ["validation", "calls", "results"])
def test_scores_reach_their_floor(guide: GuideServer, name: str) -> None:
    outcomes = run_set(guide, name)
    if name == "validation":
        inside = [outcome for outcome in outcomes if outcome.expected != REFUSE]
        outside = [outcome for outcome in outcomes if outcome.expected == REFUSE]
        assert share(inside) >= 0.85
        assert share(outside) >= 0.9
    else:
        assert share(outcomes) >= 0.9


def test_the_plainest_questions_are_right(guide: GuideServer) -> None:
    sections = load_sections(FOLDER / "text" / "questions_core.txt").items()
    asked = [
        Question(text, (section,))
        for section, phrasings in sections
        if ":" not in section
        for phrasing in phrasings
        for option in phrasing.options
        for text in option
        if isinstance(text, str)
    ]
    outcomes = run_questions(guide, asked, load_knowledge())
    assert share(outcomes) >= 0.97, [each for each in outcomes if not each.right]


def test_no_validation_question_is_a_typo() -> None:
    known = {*load_knowledge().intents, REFUSE}
    for question in load_questions(FOLDER / "validation.toml"):
        assert set(question.intents) <= known


def test_the_engine_renders_the_prompt_of_the_training(guide: GuideServer) -> None:
    question = "Hi, WHAT's the \u201cURL\u201d \u2013  of llama.cpp_[x]\\ (`v1`)?\n\tNow\u2026"
    body = {"messages": [{"role": "system", "content": "S"}, user(question)]}
    assert guide.post("/apply-template", body)["prompt"] == question_prompt(plain(question))
    body = {"messages": [user(question)], "tools": DEVICE_TOOLS[:2]}
    assert guide.post("/apply-template", body)["prompt"] == question_prompt(
        plain(question), ["get_current_time", "get_device_status"]
    )


def test_the_engine_renders_tool_results_joined(guide: GuideServer) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}}
    messages = [
        user("Time?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "It is 9:00."},
        {"role": "tool", "tool_call_id": "2", "content": "All is well."},
    ]
    rendered = guide.post("/apply-template", {"messages": messages, "tools": DEVICE_TOOLS})
    assert rendered["prompt"] == result_prompt("It is 9:00. All is well.")


def called(message: dict[str, Any]) -> list[tuple[str, object]]:
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    return [(item["name"], json.loads(item["arguments"])) for item in functions]


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_calls_are_parsed_from_the_answer(guide: GuideServer, choice: str) -> None:
    message = guide.chat([user("What time is it?")], tools=DEVICE_TOOLS, tool_choice=choice)
    assert called(message) == [("get_current_time", {})]
    assert not message.get("content")


def test_calls_are_parsed_from_a_stream(guide: GuideServer) -> None:
    body = {
        "messages": [user("What time is it?")],
        "tools": DEVICE_TOOLS,
        "temperature": 0,
        "stream": True,
    }
    name, arguments, text = "", "", ""
    with guide.open("/v1/chat/completions", body) as stream:
        for line in stream:
            if line.startswith(b"data: {"):
                delta = json.loads(line[6:])["choices"][0]["delta"]
                text += delta.get("content") or ""
                for call in delta.get("tool_calls", ()):
                    name += call["function"].get("name") or ""
                    arguments += call["function"].get("arguments") or ""
    assert (name, json.loads(arguments), text) == ("get_current_time", {}, "")


def test_a_forced_call_happens_also_for_another_question(guide: GuideServer) -> None:
    message = guide.chat([user("who are you")], tools=DEVICE_TOOLS, tool_choice="required")
    assert len(called(message)) == 1


def test_without_tools_a_question_for_the_time_gets_text(guide: GuideServer) -> None:
    assert guide.ask("What time is it?") == load_knowledge().answer("live_state")


def test_calls_have_the_text_that_was_trained(guide: GuideServer) -> None:
    prompt = question_prompt("what time is it", ["get_current_time"])
    body = {"prompt": prompt, "temperature": 0, "n_predict": 60, "special": True}
    assert guide.post("/completion", body)["content"] == call_text("get_current_time")


def test_json_can_be_forced(guide: GuideServer) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    message = guide.chat([user("hello")], response_format=wanted, max_tokens=40)
    assert message["content"].lstrip().startswith("{")


def test_infill_is_offered(guide: GuideServer) -> None:
    body = {"input_prefix": "Luna is ", "input_suffix": ".", "n_predict": 4}
    assert guide.post("/infill", body)["tokens_predicted"] >= 1
