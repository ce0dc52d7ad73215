"""The official client: what steers the choice of tokens, and the form of the answer."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from openai import OpenAI

from tests.contracts.asking import HELLO, text_of
from tests.helpers import random_model
from tests.helpers.random_vocabulary import train

pytestmark = pytest.mark.needs("engine")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "green"]},
        "sure": {"type": "boolean"},
        "digits": {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 2, "maxItems": 3},
    },
    "required": ["colour", "sure", "digits"],
    "additionalProperties": False,
}
FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "mood", "schema": SCHEMA}}

TOKENS = train(random_model.TINY.vocabulary, 0).tokens
# Every token is one of these: no piece of a character is ever held back.
PLAIN_WORDS = {str(i): 100 for i, token in enumerate(TOKENS) if token.isascii() and token.isalpha()}


def said(client: OpenAI, **fields: Any) -> str:
    """What the model says to HELLO."""
    body: Any = {"model": "luna-small", "messages": HELLO, "max_tokens": 12}
    done = client.chat.completions.create(**body | fields)
    return str(done.choices[0].message.content)


def test_temperature_zero_is_greedy(client: OpenAI) -> None:
    assert len({said(client, temperature=0, seed=seed) for seed in range(3)}) == 1


def test_top_p_zero_is_greedy(client: OpenAI) -> None:
    assert len({said(client, top_p=0.0, temperature=2, seed=seed) for seed in range(3)}) == 1


def test_penalties_change_the_answer(client: OpenAI) -> None:
    plain = said(client, temperature=0, max_tokens=100)
    fields = {"temperature": 0, "max_tokens": 100, "frequency_penalty": 2}
    assert said(client, **fields, presence_penalty=2) != plain


def test_a_forced_and_a_banned_token(client: OpenAI) -> None:
    for attempt in range(50):
        messages = [{"role": "user", "content": f"Hello {attempt}"}]
        ask = partial(said, client, messages=messages, temperature=0)
        word = ask(max_tokens=1)
        # Only plain words: what a token with half a character looks like says little.
        if (name := word.replace(" ", "Ġ")) in TOKENS and word.strip().isalpha():
            break
    token = str(TOKENS.index(name))
    assert ask(max_tokens=1, logit_bias={token: -100}) != word
    assert ask(max_tokens=3, logit_bias={token: 100}) == 3 * word


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("top", [None, 0, 3])
def test_logprobs(client: OpenAI, stream: bool, top: int | None) -> None:
    fields: Any = {"model": "luna-small", "messages": HELLO, "max_tokens": 24, "logprobs": True}
    fields |= {"logit_bias": PLAIN_WORDS} | ({} if top is None else {"top_logprobs": top})
    if stream:
        chunks = list(client.chat.completions.create(**fields, stream=True))
        choices = [choice for chunk in chunks for choice in chunk.choices]
        tokens = [t for c in choices if c.logprobs for t in c.logprobs.content or []]
        text = text_of(chunks)
    else:
        (choice,) = client.chat.completions.create(**fields).choices
        tokens = (choice.logprobs and choice.logprobs.content) or []
        text = choice.message.content or ""
    assert len(tokens) == 24
    assert b"".join(bytes(token.bytes or []) for token in tokens).decode() == text
    for token in tokens:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == (top or 0)
        falling = sorted((each.logprob for each in token.top_logprobs), reverse=True)
        assert [each.logprob for each in token.top_logprobs] == falling


def test_plain_text_is_a_format_too(client: OpenAI) -> None:
    fields = {"temperature": 0, "response_format": {"type": "text"}}
    assert said(client, **fields) == said(client, temperature=0)


def test_any_json_object(client: OpenAI) -> None:
    # A random model need not come to an end: what it began must be the beginning of an object.
    text = said(client, response_format={"type": "json_object"}, max_tokens=40)
    assert text.lstrip().startswith("{")


@pytest.mark.parametrize("stream", [False, True])
def test_json_that_fits_a_schema(client: OpenAI, stream: bool) -> None:
    if stream:
        text = text_of(
            client.chat.completions.create(
                model="luna-small",
                messages=HELLO,
                max_tokens=200,
                response_format=FORMAT,
                stream=True,
            )
        )
    else:
        text = said(client, response_format=FORMAT, max_tokens=200)
    answer = json.loads(text)
    assert answer.keys() == {"colour", "sure", "digits"}
    assert answer["colour"] in ("red", "green")
    assert answer["sure"] in (True, False)
    assert 2 <= len(answer["digits"]) <= 3
    assert set(answer["digits"]) <= {1, 2, 3}
