import string

from hypothesis import given
from hypothesis import strategies as st

from appliance.guide.prompt import (
    DROPPED,
    SPACED,
    call_text,
    chat_template,
    plain,
    question_prompt,
    result_prompt,
)


def test_plain_lowers_and_strips() -> None:
    assert plain("  What's the BASE-URL, for llama.cpp?! ") == "whats the base url for llama cpp"


def test_plain_lowers_ascii_only_as_the_engine_does() -> None:
    assert plain("ÄRGER Über Z") == "ÄrgerÜber z".replace("Ü", " Ü")


@given(st.text())
def test_plain_text_stays_plain(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert not set(once) & (set(DROPPED) | set(SPACED) | set(string.ascii_uppercase))
    assert "  " not in once


def test_prompts_end_where_the_answer_begins() -> None:
    assert question_prompt("hi", ["a", "b"]) == (
        "<|im_start|>tools\n a b<|im_end|>\n"
        "<|im_start|>user\n hi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert result_prompt("It is 9.") == (
        "<|im_start|>tool\nIt is 9.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_calls_have_the_hermes_format() -> None:
    assert call_text("get_current_time") == (
        '<tool_call>\n{"name": "get_current_time", "arguments": {}}\n</tool_call>'
    )


def test_the_template_strips_the_same_marks() -> None:
    template = chat_template()
    for mark in {*DROPPED, *SPACED} - set("\n\t\\'"):
        assert f"'{mark}'" in template or f'"{mark}"' in template
