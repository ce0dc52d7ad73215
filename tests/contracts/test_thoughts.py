"""A model that thinks: where its thoughts go in the other dialects, and how to have none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import ollama
import pytest

from tests.contracts.asking import connect
from tests.contracts.thinker import thinking
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")
HELLO: Any = [{"role": "user", "content": "Hello!"}]
Said = tuple[str, str]


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    with thinking(tmp_path_factory.mktemp("thinker")) as luna:
        yield luna


def ollama_says(luna: RunningLuna, path: str, stream: bool, think: Any) -> Said:
    """Thought and text of an answer that is too short to come to its end."""
    asked: Any = {"model": "thinker", "think": think, "options": {"num_predict": 12}}
    with ollama.Client(luna.url) as client:
        if path == "generate":
            if not stream:
                done = client.generate(prompt="Hello!", **asked)
                return done.thinking or "", done.response or ""
            parts: Any = list(client.generate(prompt="Hello!", stream=True, **asked))
            thoughts = "".join(part.thinking or "" for part in parts)
            return thoughts, "".join(part.response or "" for part in parts)
        if not stream:
            message = client.chat(messages=HELLO, **asked).message
            return message.thinking or "", message.content or ""
        said = [part.message for part in client.chat(messages=HELLO, stream=True, **asked)]
        thoughts = "".join(each.thinking or "" for each in said)
        return thoughts, "".join(each.content or "" for each in said)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["chat", "generate"])
@pytest.mark.parametrize("think", [None, True, "high", False])
def test_ollama(thinker: RunningLuna, path: str, stream: bool, think: Any) -> None:
    thought, text = ollama_says(thinker, path, stream, think)
    assert bool(thought) is (think is not False)
    assert bool(text) is (think is False)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", [None, "disabled", "enabled", "adaptive"])
def test_anthropic(thinker: RunningLuna, stream: bool, mode: str | None) -> None:
    more: Any = {} if mode is None else {"extra_body": {"thinking": {"type": mode}}}
    asked: Any = {"model": "thinker", "max_tokens": 12, "messages": HELLO, **more}
    options: Any = {"api_key": "none", "max_retries": 0}
    with anthropic.Anthropic(base_url=thinker.url, **options) as client:
        if stream:
            with client.messages.stream(**asked) as events:
                done: Any = events.get_final_message()
        else:
            done = client.messages.create(**asked)
    (block,) = done.content
    assert block.type == ("thinking" if mode in ("enabled", "adaptive") else "text")
    assert block.thinking if block.type == "thinking" else block.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("effort", ["none", "high"])
def test_responses(thinker: RunningLuna, stream: bool, effort: Any) -> None:
    asked: Any = {"model": "thinker", "input": "Hello!", "max_output_tokens": 12}
    asked["reasoning"] = {"effort": effort}
    with connect(thinker) as client:
        if stream:
            events = list(client.responses.create(**asked, stream=True))
            done: Any = events[-1]
            done = done.response
            kinds = {event.type for event in events}
            assert ("response.reasoning_text.delta" in kinds) is (effort == "high")
        else:
            done = client.responses.create(**asked)
        (item,) = done.output
        assert item.type == ("reasoning" if effort == "high" else "message")
        assert item.content[0].text
        # A thought can be sent back as it came.
        again = client.responses.create(**asked | {"input": [*HELLO, *done.output, *HELLO]})
        assert again.output
