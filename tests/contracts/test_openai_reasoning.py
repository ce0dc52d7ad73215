"""A model whose template lets it think: where its thoughts go, and how to have none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.contracts.asking import HELLO, connect
from tests.contracts.thinker import thinking

pytestmark = pytest.mark.needs("engine")


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    with thinking(tmp_path_factory.mktemp("thinker")) as luna, connect(luna) as client:
        yield client


def ask(thinker: OpenAI, stream: bool, **body: Any) -> tuple[str, str]:
    """Thought and content of an answer that is too short to come to its end."""
    fields: Any = {"model": "thinker", "messages": HELLO, "max_tokens": 12, "extra_body": body}
    if not stream:
        message = thinker.chat.completions.create(**fields).choices[0].message.to_dict()
        return str(message.get("reasoning_content") or ""), str(message.get("content") or "")
    chunks = thinker.chat.completions.create(**fields, stream=True)
    deltas = [chunk.choices[0].delta.to_dict() for chunk in chunks]
    thought = "".join(str(delta.get("reasoning_content") or "") for delta in deltas)
    return thought, "".join(str(delta.get("content") or "") for delta in deltas)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [{}, {"reasoning_format": "auto"}])
def test_a_thought_is_told_apart(thinker: OpenAI, stream: bool, body: dict[str, Any]) -> None:
    thought, content = ask(thinker, stream, **body)
    assert thought
    assert content == ""


@pytest.mark.parametrize("stream", [False, True])
def test_a_thought_can_stay_in_the_content(thinker: OpenAI, stream: bool) -> None:
    thought, content = ask(thinker, stream, reasoning_format="none")
    assert thought == ""
    assert content


@pytest.mark.parametrize(
    "body", [{"chat_template_kwargs": {"enable_thinking": False}}, {"reasoning_effort": "none"}]
)
def test_thinking_can_be_switched_off(thinker: OpenAI, body: dict[str, Any]) -> None:
    thought, content = ask(thinker, False, **body)
    assert thought == ""
    assert content
