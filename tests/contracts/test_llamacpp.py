"""llama.cpp's API from the outside, as its clients of this year and of 2024 use it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.helpers.server import RunningLuna
from tests.helpers.wire import Response, Wire, eventually

pytestmark = pytest.mark.needs("engine")
KEYS_OF_2024 = {"content", "id_slot", "stop", "model", "tokens_predicted", "tokens_evaluated"}
KEYS_OF_2024 |= {"generation_settings", "prompt", "truncated", "stopped_eos", "stopped_word"}
KEYS_OF_2024 |= {"stopped_limit", "stopping_word", "tokens_cached", "timings"}


def ask(luna: RunningLuna, path: str, body: Any = None) -> Response:
    sent = b"" if body is None else json.dumps(body).encode()
    with Wire(luna.port) as wire:
        return wire.request(path, "Content-Type: application/json", body=sent)


def told(luna: RunningLuna, path: str, body: Any = None) -> Any:
    response = ask(luna, path, body)
    assert response.status == 200, response.body
    return json.loads(response.body)


def refused(luna: RunningLuna, path: str, body: Any = None) -> tuple[int, str, str]:
    response = ask(luna, path, body)
    error = json.loads(response.body)["error"]
    assert error["code"] == response.status
    return error["code"], error["type"], error["message"]


def events(response: Response) -> list[Any]:
    assert response.fields["content-type"].startswith("text/event-stream")
    parts = response.body.split(b"\n\n")
    assert parts.pop() == b""
    return [json.loads(part.removeprefix(b"data: ")) for part in parts if part[:1] != b":"]


def test_a_completion(luna: RunningLuna) -> None:
    body = told(luna, "/completion", {"prompt": "the quick", "n_predict": 5})
    assert body["tokens_predicted"] == 5
    assert body["stop_type"] == "limit"
    assert body["timings"]["predicted_n"] == 5
    assert body["generation_settings"]["n_predict"] == 5
    assert body["prompt"] == "the quick"
    assert body["tokens"] == []
    assert body.keys() >= KEYS_OF_2024


def test_a_stream_says_what_the_whole_says(luna: RunningLuna) -> None:
    wanted = {"prompt": "the quick", "n_predict": 6, "temperature": 0, "cache_prompt": False}
    whole = told(luna, "/completion", wanted | {"return_tokens": True})
    *pieces, last = events(ask(luna, "/completion", wanted | {"stream": True}))
    assert "".join(piece["content"] for piece in pieces) == whole["content"]
    assert [token for piece in pieces for token in piece["tokens"]] == whole["tokens"]
    assert not any(piece["stop"] for piece in pieces)
    assert last["stop"] is True
    assert last["timings"]["predicted_n"] == 6


def test_prompts_of_tokens_of_both_and_of_many(luna: RunningLuna) -> None:
    tokens = told(luna, "/tokenize", {"content": "the quick"})["tokens"]
    wanted = {"n_predict": 3, "temperature": 0, "cache_prompt": False}
    ways = ["the quick", tokens, [*tokens[:1], told_text(luna, tokens[1:])]]
    texts = [told(luna, "/completion", wanted | {"prompt": way})["content"] for way in ways]
    assert len(set(texts)) == 1
    several = told(luna, "/completion", wanted | {"prompt": [tokens, "the quick"]})
    assert [each["index"] for each in several] == [0, 1]
    assert told(luna, "/completion", wanted | {"prompt": ["the quick"]})[0]["index"] == 0


def told_text(luna: RunningLuna, tokens: list[int]) -> str:
    return str(told(luna, "/detokenize", {"tokens": tokens})["content"])


def test_settings_that_only_llama_cpp_has(luna: RunningLuna) -> None:
    body = {"prompt": "a", "n_predict": 9, "grammar": 'root ::= "yes" | "no"'}
    assert told(luna, "/completion", body)["content"] in ("yes", "no")
    body = {"prompt": "a", "n_predict": 30, "json_schema": {"enum": ["yes", "no"]}}
    assert json.loads(told(luna, "/completion", body)["content"]) in ("yes", "no")
    body = {"prompt": "a", "n_predict": 1, "mirostat": 2, "dry_multiplier": 0.5, "seed": 7}
    settings = told(luna, "/completion", body)["generation_settings"]
    assert (settings["mirostat"], settings["dry_multiplier"], settings["seed"]) == (2, 0.5, 7)


def test_probabilities_of_tokens(luna: RunningLuna) -> None:
    body = {"prompt": "a", "n_predict": 4, "n_probs": 3, "grammar": "root ::= [a-z ]+"}
    tokens = told(luna, "/completion", body)["completion_probabilities"]
    assert len(tokens) == 4
    for token in tokens:
        assert token["logprob"] <= 0
        assert len(token["top_logprobs"]) == len(token["probs"]) == 3


def test_tokens_that_must_not_come(luna: RunningLuna) -> None:
    body = {"prompt": "a", "n_predict": 8, "temperature": 0, "return_tokens": True}
    body["cache_prompt"] = False
    banned = set(told(luna, "/completion", body)["tokens"])
    bias = [[token, False] for token in banned]
    assert not banned & set(told(luna, "/completion", body | {"logit_bias": bias})["tokens"])


@pytest.mark.parametrize("path", ["/completion", "/completions"])
def test_only_some_fields(luna: RunningLuna, path: str) -> None:
    body = {"prompt": "a", "n_predict": 2, "response_fields": ["content", "timings/predicted_n"]}
    answer = told(luna, path, body)
    assert answer.keys() == {"content", "timings/predicted_n"}


def test_completions_speaks_both_languages(luna: RunningLuna) -> None:
    theirs = told(luna, "/completions", {"model": "tiny", "prompt": "a", "max_tokens": 2})
    assert theirs["object"] == "text_completion"
    ours = told(luna, "/completions", {"model": "tiny", "prompt": "a", "n_predict": 2})
    assert ours["tokens_predicted"] == 2
    assert "content" in told(luna, "/completions", {"prompt": "a", "max_tokens": 2})


def test_chat_is_openais_with_llama_cpps_settings_and_speeds(luna: RunningLuna) -> None:
    body = {"model": None, "messages": [{"role": "user", "content": "a"}], "max_tokens": 9}
    answer = told(luna, "/chat/completions", body | {"grammar": 'root ::= "yes"'})
    assert answer["choices"][0]["message"]["content"] == "yes"
    assert answer["timings"]["predicted_n"] > 0
    schema = {"type": "json_object", "schema": {"const": 42}}
    (choice,) = told(luna, "/chat/completions", body | {"response_format": schema})["choices"]
    # White space is JSON too: a random model may fill its answer with it, up to the limit.
    cut = choice["finish_reason"] == "length"
    assert cut or json.loads(choice["message"]["content"]) == 42
    stream = ask(luna, "/chat/completions", body | {"stream": True})
    assert stream.body.endswith(b"data: [DONE]\n\n")
    assert b'"timings":{' in stream.body


def test_infill(luna: RunningLuna) -> None:
    body = {"input_prefix": "def f(", "input_suffix": "return x", "n_predict": 3}
    body["input_extra"] = [{"filename": "g.py", "text": "def g(): pass"}]
    answer = told(luna, "/infill", body | {"prompt": "abc"})
    assert answer["tokens_predicted"] == 3
    for part in ("def f(abc", "return x", "g.py", "def g(): pass"):
        assert part in answer["prompt"]
    code, kind, message = refused(luna, "/infill", {"input_prefix": "a"})
    assert (code, kind) == (400, "invalid_request_error")
    assert "input_suffix" in message
    assert refused(luna, "/infill", body | {"input_extra": [{"filename": "x"}]})[0] == 400


@pytest.mark.parametrize("text", ["the quick brown", "né 媽 🤗", "<|im_end|>", ""])
def test_tokens_and_back(luna: RunningLuna, text: str) -> None:
    tokens = told(luna, "/tokenize", {"content": text})["tokens"]
    assert told_text(luna, tokens) == text
    pieces = told(luna, "/tokenize", {"content": text, "with_pieces": True})["tokens"]
    assert [each["id"] for each in pieces] == tokens
    raw = b"".join(
        each["piece"].encode() if isinstance(each["piece"], str) else bytes(each["piece"])
        for each in pieces
    )
    assert raw.decode() == text


def test_tokens_among_texts(luna: RunningLuna) -> None:
    parts = [told(luna, "/tokenize", {"content": text})["tokens"] for text in ("the", "fox")]
    mixed = told(luna, "/tokenize", {"content": ["the", 7, "fox"]})["tokens"]
    assert mixed == [*parts[0], 7, *parts[1]]
    pieces = told(luna, "/tokenize", {"content": ["the", 7], "with_pieces": True})["tokens"]
    assert pieces[-1] == {"id": 7, "piece": told_text(luna, [7])}
    plain = {"content": "<|im_end|>", "parse_special": False}
    assert len(told(luna, "/tokenize", plain)["tokens"]) > 1


def test_apply_template(luna: RunningLuna) -> None:
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    prompt = told(luna, "/apply-template", body)["prompt"]
    assert "Hello" in prompt
    assert prompt.endswith("assistant\n")
    assert refused(luna, "/apply-template", {})[0] == 400


def test_vectors_in_both_shapes(luna: RunningLuna) -> None:
    theirs = told(luna, "/embeddings", {"input": ["a fox", "a dog"]})
    ours = told(luna, "/embedding", {"content": ["a fox", "a dog"]})
    assert [row["index"] for row in ours] == [0, 1]
    for row, known in zip(ours, theirs["data"], strict=True):
        assert row["embedding"][0] == pytest.approx(known["embedding"], abs=1e-4)
        assert math.hypot(*row["embedding"][0]) == pytest.approx(1, abs=1e-4)
    assert told(luna, "/embeddings", {"content": "a fox"})[0]["index"] == 0
    assert refused(luna, "/embedding", {})[0] == 400
    assert refused(luna, "/embedding", {"content": ""})[0] == 400


def test_models_are_openais(luna: RunningLuna) -> None:
    assert told(luna, "/models")["data"][0]["id"] == "tiny"


def test_properties_of_both_years(luna: RunningLuna) -> None:
    props = told(luna, "/props")
    assert props["total_slots"] == 4
    assert props["model_path"] == "tiny.gguf"
    assert "<|im_start|>" in props["chat_template"]
    settings = props["default_generation_settings"]
    assert settings["n_ctx"] == 2048
    assert settings["params"]["top_k"] == settings["top_k"] == 40
    assert props.keys() >= {"user_name", "assistant_name", "build_info", "modalities"}
    assert refused(luna, "/props?model=" + "x" * 9, {})[:2] == (501, "not_supported_error")


def test_slots_tell_what_they_do_but_not_what_was_said(luna: RunningLuna) -> None:
    told(luna, "/completion", {"prompt": "secret", "n_predict": 2, "id_slot": 2})
    slots = told(luna, "/slots")
    assert [slot["id"] for slot in slots] == [0, 1, 2, 3]
    assert "secret" not in json.dumps(slots)
    slot = slots[2]
    assert (slot["is_processing"], slot["state"], slot["n_ctx"]) == (False, 0, 2048)
    assert slot["id_task"] >= 0
    assert slot["params"]["n_predict"] == slot["n_predict"] == 2
    assert told(luna, "/slots?fail_on_no_slot=1") == slots


def test_a_slot_travels_through_a_file(luna: RunningLuna) -> None:
    prompt = "the quick brown fox jumps over the lazy dog"
    told(luna, "/completion", {"prompt": prompt, "n_predict": 2, "id_slot": 1})
    saved = told(luna, "/slots/1?action=save", {"filename": "fox.bin"})
    assert (saved["id_slot"], saved["filename"]) == (1, "fox.bin")
    assert saved["timings"]["save_ms"] >= 0
    erased = told(luna, "/slots/0?action=erase", {})
    assert erased["id_slot"] == 0
    restored = told(luna, "/slots/0?action=restore", {"filename": "fox.bin"})
    assert restored["n_restored"] == saved["n_saved"]
    assert restored["n_read"] == saved["n_written"]
    assert restored["timings"].keys() == {"restore_ms"}
    again = told(luna, "/completion", {"prompt": prompt, "n_predict": 2, "id_slot": 0})
    assert again["timings"]["cache_n"] > 3


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/slots/0?action=save", {"filename": "../fox.bin"}, "Invalid filename"),
        ("/slots/0?action=save", {"filename": "/etc/passwd"}, "Invalid filename"),
        ("/slots/0?action=restore", {"filename": ".."}, "Invalid filename"),
        ("/slots/0?action=restore", {"filename": "none.bin"}, "no saved slot"),
        ("/slots/0?action=save", {}, "filename"),
        ("/slots/0?action=dance", {}, "Invalid action"),
        ("/slots/0", {}, "Invalid action"),
        ("/slots/9?action=erase", {}, "Invalid slot ID"),
        ("/slots/x?action=erase", {}, "Invalid slot ID"),
        ("/slots/-1?action=erase", {}, "Invalid slot ID"),
    ],
)
def test_what_cannot_be_done_with_a_slot(
    luna: RunningLuna, path: str, body: dict[str, str], said: str
) -> None:
    code, kind, message = refused(luna, path, body)
    assert (code, kind) == (400, "invalid_request_error")
    assert said in message


def test_health_in_wingmans_words(luna: RunningLuna) -> None:
    health = told(luna, "/health?include_slots=1")
    assert (health["status"], health["slots_idle"], health["slots_processing"]) == ("ok", 4, 0)
    assert len(health["slots"]) == 4
    health = told(luna, "/health?fail_on_no_slot=true")
    assert health["status"] == "ok"
    assert "slots" not in health
    assert told(luna, "/health?fail_on_no_slot=false")["status"] == "healthy"


def test_adapters_and_ranks_that_this_model_lacks(luna: RunningLuna) -> None:
    assert told(luna, "/lora-adapters") == []
    assert told(luna, "/lora-adapters", []) == {"success": True}
    assert refused(luna, "/lora-adapters", [{"id": 0, "scale": 1}])[0] == 501
    code, kind, message = refused(luna, "/rerank", {"query": "a", "documents": ["b"]})
    assert (code, kind) == (501, "not_supported_error")
    assert "rank" in message
    for documents in ([], None, 123, [1, 2]):
        assert refused(luna, "/rerank", {"query": "a", "documents": documents})[0] == 400


def test_errors_look_like_llama_cpps(luna: RunningLuna) -> None:
    code, kind, _ = refused(luna, "/completion", {"n_predict": 2})
    assert (code, kind) == (400, "invalid_request_error")
    response = ask(luna, "/completion", {"prompt": "the quick brown fox " * 2000})
    error = json.loads(response.body)["error"]
    assert error["type"] == "exceed_context_size_error"
    assert error["n_prompt_tokens"] > error["n_ctx"] == 2048
    assert refused(luna, "/completion")[:2] == (405, "invalid_request_error")
    assert refused(luna, "/detokenize", {"tokens": [10**6]})[0] == 400
    assert refused(luna, "/completion", {"prompt": "a", "grammar": "root ::= ("})[0] == 400


def test_fields_without_effect_are_named(luna: RunningLuna) -> None:
    response = ask(luna, "/completion", {"prompt": "a", "n_predict": 1, "frobnicate": 3})
    assert response.fields["x-luna-ignored"] == "frobnicate"


def test_while_every_slot_is_busy_health_and_slots_say_so(luna: RunningLuna) -> None:
    body = {"prompt": ["a", "b", "c", "d"], "n_predict": 1900, "ignore_eos": True, "stream": True}
    sent = json.dumps(body).encode()
    head = f"POST /completion HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent)}\r\n\r\n"
    with Wire(luna.port) as wire:
        wire.send(head.encode() + sent)  # nothing of the answer is read meanwhile
        eventually(lambda: ask(luna, "/health?fail_on_no_slot=1").status == 503, "full slots")
        health = ask(luna, "/health?fail_on_no_slot=1&include_slots=1")
        plain = told(luna, "/health?include_slots=0")
        slots = ask(luna, "/slots?fail_on_no_slot=1")
    answer = json.loads(health.body)
    assert health.status == 503
    assert (answer["status"], answer["slots_idle"]) == ("no slot available", 0)
    assert answer["slots_processing"] == 4
    assert answer["error"]["type"] == "unavailable_error"
    assert [slot["state"] for slot in answer["slots"]] == [1, 1, 1, 1]
    assert int(health.fields["retry-after"]) > 0
    assert plain["status"] == "healthy"
    assert slots.status == 503
    eventually(lambda: told(luna, "/health")["slots_idle"] == 4, "free slots")
