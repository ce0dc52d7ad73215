from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from appliance.domain.events import (
    Content,
    Details,
    Event,
    Finish,
    Progress,
    Queued,
    Timings,
    TokenLogprob,
    Usage,
)
from appliance.domain.sse import Decoder
from appliance.errors import EngineDied
from appliance.http.collected import collect
from appliance.http.dialects.llamacpp.render import CompletionStream, Form, completion
from appliance.http.dialects.llamacpp.requests import CompletionBody
from tests.appliance.http.dialects.openai.told import LOGPROB, Told

DETAILS = Details(1, "word", "x", True, True, 14, "Hi", {"n_predict": 3, "stream": True})
FINISH = Finish("stop", Usage(12, 3, 5), Timings(7, 14.0, 3, 6.0), DETAILS)
ITEMS: list[tuple[int, Event]] = [
    (0, Queued(2)),
    (0, Progress(4, 12, 5, 2.6)),
    (0, Progress(12, 12, 5, 3.0)),
    (0, Content("é", (LOGPROB,), (4,))),
    (0, Content("b", tokens=(5, 6))),
    (0, FINISH),
]


def form(**wanted: Any) -> Form:
    return Form.of(CompletionBody(prompt="Hi", **wanted), "m")


def whole(items: Sequence[tuple[int, Event]] = ITEMS, **wanted: Any) -> Any:
    (choice,) = collect(Told(items).events).values()
    return json.loads(msgspec.json.encode(completion(form(**wanted), 0, choice)))


def sent(items: Sequence[tuple[int, Event]] = ITEMS, **wanted: Any) -> list[Any]:
    stream = CompletionStream(form(stream=True, **wanted), Told(items).events)
    return [json.loads(each) for each in Decoder().feed(b"".join(stream))]


def test_a_whole_completion() -> None:
    body = whole()
    assert body["content"] == "éb"
    assert body["tokens"] == []
    assert (body["stop"], body["stop_type"], body["stopping_word"]) == (True, "word", "x")
    assert (body["tokens_predicted"], body["tokens_evaluated"]) == (3, 12)
    assert body["tokens_cached"] == 14
    assert (body["id_slot"], body["model"], body["prompt"]) == (1, "m", "Hi")
    assert (body["truncated"], body["has_new_line"]) == (True, True)
    assert body["generation_settings"] == {"n_predict": 3, "stream": False}
    assert body["timings"] == {
        "cache_n": 5,
        "prompt_n": 7,
        "prompt_ms": 14.0,
        "prompt_per_token_ms": 2.0,
        "prompt_per_second": 500.0,
        "predicted_n": 3,
        "predicted_ms": 6.0,
        "predicted_per_token_ms": 2.0,
        "predicted_per_second": 500.0,
    }
    assert "completion_probabilities" not in body


def test_what_clients_of_2024_read() -> None:
    body = whole(n_probs=1)
    assert (body["stopped_eos"], body["stopped_word"], body["stopped_limit"]) == (0, 1, 0)
    (token,) = body["completion_probabilities"]
    assert token["content"] == "é"
    assert token["probs"] == [{"tok_str": "e", "prob": pytest.approx(0.2231, abs=1e-4)}]


def test_tokens_come_where_they_are_wanted() -> None:
    assert whole(return_tokens=True)["tokens"] == [4, 5, 6]


def test_probabilities_before_and_after_sampling() -> None:
    (token,) = whole(n_probs=1)["completion_probabilities"]
    assert (token["id"], token["bytes"], token["logprob"]) == (4, [195, 169], -0.5)
    assert token["top_logprobs"] == [{"id": 5, "token": "e", "bytes": [101], "logprob": -1.5}]
    never = TokenLogprob("a", 0.0, b"a", 1, (TokenLogprob("b", -9999.0, b"b", 2),))
    items: list[tuple[int, Event]] = [(0, Content("a", (never,))), (0, FINISH)]
    (token,) = whole(items, n_probs=1, post_sampling_probs=True)["completion_probabilities"]
    assert token["prob"] == 1.0
    assert token["top_probs"] == [{"id": 2, "token": "b", "bytes": [98], "prob": 0.0}]
    assert "logprob" not in token


def test_only_the_fields_that_are_wanted() -> None:
    wanted = ["content", "generation_settings/n_predict", "timings/none", "x/y", "content/z"]
    assert whole(response_fields=wanted) == {"content": "éb", "generation_settings/n_predict": 3}
    assert sent(response_fields=["stop"])[-1] == {"stop": True}


def test_an_engine_that_tells_no_details() -> None:
    items: list[tuple[int, Event]] = [(0, Content("a")), (0, Finish("length", Usage(3, 1)))]
    body = whole(items)
    assert (body["stop_type"], body["stopped_limit"]) == ("limit", True)
    assert (body["tokens_cached"], body["id_slot"]) == (4, -1)
    assert body["timings"]["predicted_ms"] == 0


def test_a_stream_ends_with_a_whole_answer_without_content() -> None:
    first, second, last = sent()
    assert (first["content"], first["tokens"], first["stop"]) == ("é", [4], False)
    assert "completion_probabilities" in first
    assert (second["content"], second["tokens"], second["tokens_predicted"]) == ("b", [5, 6], 3)
    assert "completion_probabilities" not in second
    assert {first["tokens_evaluated"], second["tokens_evaluated"]} == {12}
    assert (last["content"], last["stop"], last["tokens_predicted"]) == ("", True, 3)
    assert last["generation_settings"]["stream"] is True
    assert all(each["model"] == "m" for each in (first, second, last))


def test_progress_is_told_to_who_asks() -> None:
    progress = [each["prompt_progress"] for each in sent(return_progress=True)[:2]]
    assert progress[0] == {"total": 12, "cache": 5, "processed": 4, "time_ms": 3}
    assert progress[1]["processed"] == 12


def test_who_waits_is_kept_alive_by_comments() -> None:
    raw = b"".join(CompletionStream(form(stream=True), Told(ITEMS).events))
    assert raw.startswith(b": queued, 2 ahead\n\n: prefill 4/12\n\ndata: ")


def test_a_failure_is_told_to_old_and_new_clients() -> None:
    told = Told([(0, Content("a"))], EngineDied("It broke."))
    raw = b"".join(CompletionStream(form(stream=True), told.events))
    assert told.closed
    line = next(line for line in raw.splitlines() if line.startswith(b"error: "))
    error = {"code": 500, "message": "It broke.", "type": "server_error"}
    assert json.loads(line.removeprefix(b"error: ")) == {"error": error}
    assert json.loads(Decoder().feed(raw)[-1]) == {"error": error}


def test_closing_stops_the_generation() -> None:
    told = Told(ITEMS)
    CompletionStream(form(), told.events).close()
    assert told.closed
