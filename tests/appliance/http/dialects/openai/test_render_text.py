from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from appliance.domain.events import Content, Event
from appliance.http.collected import collect
from appliance.http.dialects.openai import render_text
from appliance.http.dialects.openai.render_text import TextStream
from tests.appliance.http.dialects.openai.told import HEAD, LOGPROB, Told, chunks, end


def whole_text(items: Sequence[tuple[int, Event]], echoes: Sequence[str], n: int) -> Any:
    choices = collect(Told(items).events)
    return msgspec.to_builtins(render_text.text_completion(HEAD, choices, echoes, n))


def test_each_prompt_counts_once_and_each_choice() -> None:
    items: list[tuple[int, Event]] = [(index, end(index)) for index in range(4)]
    body = whole_text(items, ["", ""], n=2)
    assert body["usage"]["prompt_tokens"] == 20
    assert body["usage"]["completion_tokens"] == 6
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    *_, last = chunks(TextStream(HEAD, Told(items).events, ["", ""], 2, with_usage=True))
    assert last["usage"] == body["usage"]


def test_a_whole_text_with_echo_and_logprobs() -> None:
    items: list[tuple[int, Event]] = [
        (0, Content("é", (LOGPROB,))),
        (0, Content("é", (LOGPROB,))),
        (0, end()),
    ]
    (choice,) = whole_text(items, ["say: "], n=1)["choices"]
    assert choice["text"] == "say: éé"
    assert choice["logprobs"] == {
        "tokens": ["é", "é"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"e": -1.5}] * 2,
        "text_offset": [5, 6],
    }
    found = chunks(TextStream(HEAD, Told(items).events, ["say: "], 1, with_usage=False))
    parts = [chunk["choices"][0] for chunk in found]
    assert [part["text"] for part in parts] == ["say: ", "é", "é", ""]
    assert [part["logprobs"]["text_offset"] for part in parts[1:3]] == [[5], [6]]
    assert [part["finish_reason"] for part in parts] == [None, None, None, "stop"]


def test_each_prompt_has_its_own_echo() -> None:
    items: list[tuple[int, Event]] = [(i, e) for i in range(4) for e in (Content("!"), end())]
    choices = whole_text(items, ["a", "b"], n=2)["choices"]
    assert [choice["text"] for choice in choices] == ["a!", "a!", "b!", "b!"]
