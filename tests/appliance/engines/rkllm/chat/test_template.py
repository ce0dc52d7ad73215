from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.engines.rkllm.chat.template import ChatTemplate, load_template
from appliance.errors import BadRequest, EngineError, ModelLoadFailed
from tests.appliance.engines.rkllm.chat import templates

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
WEATHER = ToolDefinition(
    "weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}}
)


def system(text: str) -> Message:
    return Message(Role.SYSTEM, text)


def user(text: str) -> Message:
    return Message(Role.USER, text)


def assistant(text: str, **more: Any) -> Message:
    return Message(Role.ASSISTANT, text, **more)


def calling(*calls: ToolCall) -> Message:
    return Message(Role.ASSISTANT, "", tool_calls=calls)


def result(text: str, id: str = "abcdefghi") -> Message:
    return Message(Role.TOOL, text, tool_call_id=id)


def template(source: str) -> ChatTemplate:
    return ChatTemplate(source, special_tokens=SPECIAL, now=lambda: datetime(2026, 2, 3))


CALL = ToolCall("abcdefghi", "weather", '{"city": "Köln"}')


def test_qwen25_talks() -> None:
    conversation = [system("Be kind."), user("Hi"), assistant("Hello"), user("Bye")]
    assert template(templates.QWEN25).render(conversation) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_qwen25_calls_tools_and_reads_their_answers() -> None:
    conversation = [user("Köln?"), calling(CALL, CALL), result("sun"), result("rain")]
    text = template(templates.QWEN25).render(conversation, [WEATHER], add_generation_prompt=False)
    assert '<tools>\n{"type": "function", "function": {"name": "weather", "desc' in text
    assert text.endswith(
        '<|im_start|>assistant\n<tool_call>\n{"name": "weather", "arguments": {"city": "Köln"}}\n'
        '</tool_call>\n<tool_call>\n{"name": "weather", "arguments": {"city": "Köln"}}\n'
        "</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\nsun\n</tool_response>\n"
        "<tool_response>\nrain\n</tool_response><|im_end|>\n"
    )


def test_qwen3_thinks_unless_told_not_to() -> None:
    qwen3 = template(templates.QWEN3)
    assert qwen3.render([user("Hi")]).endswith("<|im_start|>assistant\n")
    assert qwen3.render([user("Hi")], enable_thinking=True).endswith("<|im_start|>assistant\n")
    text = qwen3.render([user("Hi")], enable_thinking=False)
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_qwen3_forgets_what_it_thought_before_the_last_question() -> None:
    qwen3 = template(templates.QWEN3)
    thought = assistant("4", reasoning="2 and 2")
    assert "2 and 2" not in qwen3.render([user("2+2?"), thought, user("Sure?")])
    assert "<think>\n2 and 2\n</think>\n\n4" in qwen3.render([user("2+2?"), thought])
    assert "hm" not in qwen3.render([user("a"), assistant("<think>\nhm\n</think>\n\nb"), user("c")])


def test_llama31_knows_the_date_and_one_call() -> None:
    llama = template(templates.LLAMA31)
    text = llama.render([user("Köln?"), calling(CALL), result("sun")], [WEATHER])
    assert text.startswith(
        "<s><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\n"
        "Today Date: 03 Feb 2026\n\n<|eot_id|>"
    )
    assert '{\n    "type": "function",\n' in text
    assert '{"name": "weather", "parameters": {"city": "Köln"}}<|eot_id|>' in text
    assert text.endswith(
        '<|start_header_id|>ipython<|end_header_id|>\n\n"sun"<|eot_id|>'
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    told = llama.render([user("Hi")], variables={"date_string": "today"})
    assert "Today Date: today\n" in told
    with pytest.raises(BadRequest, match="Only one call in a message!"):
        llama.render([user("a"), calling(CALL, CALL), result("b")], [WEATHER])


def test_mistral_puts_tools_before_the_last_question() -> None:
    mistral = template(templates.MISTRAL)
    text = mistral.render([system("S"), user("a"), assistant(" b "), user("c")], [WEATHER])
    assert text == (
        '<s>[INST] a[/INST] b</s>[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": '
        '"weather", "description": "Tells the weather.", "parameters": {"type": "object", '
        '"properties": {"city": {"type": "string"}}}}}][/AVAILABLE_TOOLS][INST] S\n\nc[/INST]'
    )
    text = mistral.render([user("a"), calling(CALL), result("1")], [WEATHER])
    assert text.endswith(
        '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Köln"}, "id": "abcdefghi"}]</s>'
        '[TOOL_RESULTS] {"content": 1, "call_id": "abcdefghi"}[/TOOL_RESULTS]'
    )


@pytest.mark.parametrize("source", [templates.MISTRAL, templates.GEMMA])
def test_two_questions_in_a_row_are_the_callers_mistake(source: str) -> None:
    with pytest.raises(BadRequest, match=r"does not take this conversation: Roles must alt") as why:
        template(source).render([user("a"), user("b")])
    assert why.value.param == "messages"


def test_gemma_has_no_system_role() -> None:
    gemma = template(templates.GEMMA)
    assert gemma.render([user("a"), assistant("b"), user(" c ")]) == (
        "<s><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
        "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n"
    )
    with pytest.raises(BadRequest, match=r"There is no system role\."):
        gemma.render([system("a"), user("b")])


def test_phi_has_blocks_on_lines_of_their_own() -> None:
    phi = template(templates.PHI)
    text = "<|system|>\nS<|end|>\n<|user|>\na<|end|>\n"
    assert phi.render([system("S"), user("a")]) == text + "<|assistant|>\n"
    assert phi.render([system("S"), user("a")], add_generation_prompt=False) == text + "</s>"


def test_deepseek_r1_opens_the_thoughts_in_the_prompt() -> None:
    conversation = [system("S"), user("a"), assistant("<think>x</think>b"), user("c")]
    assert template(templates.DEEPSEEK_R1).render(conversation) == (
        "<s>S<\uff5cUser\uff5c>a<\uff5cAssistant\uff5c>b<\uff5cend▁of▁sentence\uff5c><\uff5cUser\uff5c>c<\uff5cAssistant\uff5c><think>\n"
    )


def test_arguments_that_are_no_json_stay_text() -> None:
    text = template("{{ messages[0].tool_calls[0].function.arguments | tojson }}").render(
        [calling(ToolCall("1", "f", '{"a": '))]
    )
    assert json.loads(text) == '{"a": '


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% for i in [1, 2, 3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "1"),
        ("{% generation %}{{ messages[0].content }}{% endgeneration %}", "hi"),
        ("{{ {'ä': ['<&>', none, true]} | tojson }}", '{"ä": ["<&>", null, true]}'),
        ("{{ {'b': 1, 'a': 2} | tojson(sort_keys=true, separators=(',', ':')) }}", '{"a":2,"b":1}'),
        ("{{ '<a>' | safe }}{{ tools }}{{ missing }}", "<a>None"),
        ("{{ [1, 2, 3] | map('string') | join('-') }}{{ 'a\nb' | indent(2) }}", "1-2-3a\n  b"),
        ("{{ messages | map(attribute='role') | list }}", "['user']"),
        ("{{ messages | join(', ', attribute='content') }}{{ ', '.join(['a', 'b']) }}", "hia, b"),
        ("{{ 'aXbXc'.replace('X', '-', 1) | replace('X', '+') }}", "a-b+c"),
        ("{% for k, v in {'a': 1} | dictsort %}{{ k ~ v ~ loop.length }}{% endfor %}", "a11"),
        ("{% macro m(x) %}{{ x }}{{ caller() }}{% endmacro %}{% call m(1) %}y{% endcall %}", "1y"),
        ("{% set x %}a{{ 1 + 2 * 3 }}{% endset %}{{ x | upper | title }}{{ 7 % 4 }}", "A73"),
        ("{% for a in [[1, [2]]] recursive %}{{ loop(a) if a[0] else a }}{% endfor %}", "12"),
        ("{% set l = [1] + [2] %}{{ l | last }}{{ 2 in l }}{{ l == [1, 2] }}{{ l[0] < l[1] }}",
         "2TrueTrueTrue"),
        ("{{ dict(a=1).get('a') }}{{ range(3) | list | length }}{{ 2 ** 8 }}", "13256"),
        ("{{ bos_token }}{{ strftime_now('%Y') }}", "<s>2026"),
        ("a\n", "a"),
    ],
)  # fmt: skip
def test_what_templates_use(source: str, text: str) -> None:
    assert template(source).render([user("hi")]) == text


@pytest.mark.parametrize(
    "source", ["{% if %}", "{{ 'a' | no_such_filter }}", "{% include 'x' %}{%", "x" * 2**19,
               "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
               "{% for a in b %}" * 40 + "{% endfor %}" * 40]
)  # fmt: skip
def test_a_template_that_cannot_be_compiled_is_no_model(source: str) -> None:
    with pytest.raises(ModelLoadFailed, match="chat template"):
        template(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 / 0 }}",
        "{{ messages[0].content + 1 }}",
        "{{ missing.attribute }}",
        "{{ messages.append(1) }}",
        "{{ 'a'.no_such_method() }}",
        "{% include 'other' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ strftime_now('%Y' * 100) }}",
    ],
)
def test_a_template_that_fails_is_the_models_fault(source: str) -> None:
    with pytest.raises(EngineError, match=r"fails on this conversation \(.*luna\.toml"):
        template(source).render([user("hi")])


def test_the_place_of_a_template(tmp_path: Path) -> None:
    assert load_template(tmp_path) is None
    named = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]
    config: dict[str, Any] = {"bos_token": "<s>", "chat_template": named}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))

    def rendered(tools: tuple[ToolDefinition, ...] = (), chosen: str | None = None) -> str:
        found = load_template(tmp_path, chosen)
        assert found is not None
        return found.render([user("hi")], tools)

    assert rendered() == "D"
    assert rendered((WEATHER,)) == "T"
    config["chat_template"] = "{{ bos_token }}C"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert rendered((WEATHER,)) == "<s>C"
    (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}J")
    assert rendered() == "<s>J"
    assert rendered(chosen="{{ bos_token }}M") == "<s>M"


def test_a_single_named_template_is_used_whatever_its_name(tmp_path: Path) -> None:
    named = {"chat_template": [{"name": "rag", "template": "R"}]}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(named))
    found = load_template(tmp_path)
    assert found is not None
    assert found.render([user("hi")]) == "R"


def test_the_digest_tells_templates_apart() -> None:
    sources = [ChatTemplate("a"), ChatTemplate("b"), ChatTemplate("a", tool_use="b"), template("a")]
    assert len({source.digest for source in sources}) == 4
    assert ChatTemplate("a").digest == ChatTemplate("a").digest
