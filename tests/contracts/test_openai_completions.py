"""The official client against `/v1/completions`."""

from __future__ import annotations

import pytest
from openai import OpenAI

from tests.helpers import random_model
from tests.helpers.random_vocabulary import train

pytestmark = pytest.mark.needs("engine")
PROMPT = "Luna is"
MODEL = "luna-small"


def test_a_continuation(client: OpenAI) -> None:
    done = client.completions.create(model=MODEL, prompt=PROMPT, max_tokens=5)
    assert done.id.startswith("cmpl-")
    assert done.object == "text_completion"
    assert done.choices[0].text
    assert done.choices[0].logprobs is None
    assert done.choices[0].finish_reason == "length"
    assert done.usage is not None
    assert done.usage.completion_tokens == 5


def test_prompts_and_choices_are_numbered_prompt_by_prompt(client: OpenAI) -> None:
    prompts = ["one", "two"]
    alone = [
        client.completions.create(model=MODEL, prompt=p, n=2, seed=3, max_tokens=5) for p in prompts
    ]
    done = client.completions.create(model=MODEL, prompt=prompts, n=2, seed=3, max_tokens=5)
    assert [choice.index for choice in done.choices] == [0, 1, 2, 3]
    assert [c.text for c in done.choices] == [c.text for each in alone for c in each.choices]
    assert done.usage is not None
    assert done.usage.completion_tokens == 20
    assert done.usage.prompt_tokens == sum(e.usage.prompt_tokens for e in alone if e.usage)


def test_tokens_and_lists_of_tokens(client: OpenAI) -> None:
    one = client.completions.create(model=MODEL, prompt=[300, 301, 302], max_tokens=3)
    two = client.completions.create(model=MODEL, prompt=[[300, 301], [302]], max_tokens=3)
    assert one.usage is not None
    assert two.usage is not None
    assert one.usage.prompt_tokens == two.usage.prompt_tokens == 3
    assert len(two.choices) == 2


def test_echo(client: OpenAI) -> None:
    fields = {"model": MODEL, "max_tokens": 5, "temperature": 0}
    plain = client.completions.create(prompt=PROMPT, **fields)  # type: ignore[call-overload]
    echoed = client.completions.create(prompt=PROMPT, echo=True, **fields)  # type: ignore[call-overload]
    assert echoed.choices[0].text == PROMPT + plain.choices[0].text
    tokens = train(random_model.TINY.vocabulary, 0).tokens
    number, word = next((i, t) for i, t in enumerate(tokens) if t.isascii() and len(t) > 2)
    twice = client.completions.create(model=MODEL, prompt=[number] * 2, echo=True, max_tokens=1)
    assert twice.choices[0].text.startswith(word * 2)


def test_what_stands_between_two_texts(client: OpenAI) -> None:
    done = client.completions.create(
        model=MODEL, prompt="def double(x):\n", suffix="\n    return y", max_tokens=8
    )
    plain = client.completions.create(model=MODEL, prompt="def double(x):\n", max_tokens=8)
    assert done.choices[0].text
    assert done.usage is not None
    assert plain.usage is not None
    assert done.usage.prompt_tokens > plain.usage.prompt_tokens


def test_a_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    done = client.completions.create(
        model=MODEL, prompt=PROMPT, max_tokens=12, seed=2, n=2, temperature=1.5
    )
    chunks = list(
        client.completions.create(
            model=MODEL,
            prompt=PROMPT,
            max_tokens=12,
            seed=2,
            n=2,
            temperature=1.5,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    for index in (0, 1):
        own = [c for chunk in chunks for c in chunk.choices if c.index == index]
        assert "".join(c.text for c in own) == done.choices[index].text
        assert [c.finish_reason for c in own if c.finish_reason] == ["length"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 24


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs_and_their_offsets(client: OpenAI, stream: bool) -> None:
    if stream:
        chunks = client.completions.create(
            model=MODEL, prompt=PROMPT, max_tokens=8, logprobs=2, echo=True, stream=True
        )
        choices = [choice for chunk in chunks for choice in chunk.choices]
    else:
        choices = client.completions.create(
            model=MODEL, prompt=PROMPT, max_tokens=8, logprobs=2, echo=True
        ).choices
    text = "".join(choice.text for choice in choices)
    found = [choice.logprobs for choice in choices if choice.logprobs]
    tokens = [token for each in found for token in each.tokens or []]
    offsets = [offset for each in found for offset in each.text_offset or []]
    assert tokens
    assert text.startswith(PROMPT)
    assert offsets[0] == len(PROMPT)
    assert offsets == sorted(offsets)
    # Two tokens that are no characters may have one name.
    assert all(1 <= len(top) <= 2 for each in found for top in each.top_logprobs or [])
    assert all(value <= 0 for each in found for value in each.token_logprobs or [])
