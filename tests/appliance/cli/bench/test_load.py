from __future__ import annotations

import json

from appliance.cli.bench.load import Order, run_round
from appliance.cli.client import Client
from tests.helpers.canned import CannedServer, events, http

ORDER = Order("m", 2)


def test_every_client_asks_and_times_its_pieces() -> None:
    answer = events(
        b'{"choices":[{"delta":{"role":"assistant","content":""}}]}',
        b'{"choices":[{"delta":{"content":"a"}}]}',
        b'{"choices":[{"delta":{"reasoning_content":"b"}}]}',
        b'{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}',
        b"[DONE]",
    )
    with CannedServer(answer) as server:
        found = run_round(Client(server.url), ORDER, ["one", "two", "three"])
    assert len(found.samples) == 3
    for each in found.samples:
        assert not each.problem
        assert len(each.pieces) == 2
        assert each.begun <= each.pieces[0] <= each.pieces[1]
        assert (each.prompt_tokens, each.tokens) == (7, 2)
    asked = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
    assert {body["messages"][0]["content"] for body in asked} == {"one", "two", "three"}
    assert all(body["ignore_eos"] and body["max_tokens"] == 2 for body in asked)
    assert found.client_cpu > 0


def test_a_failure_is_a_sample_with_a_sentence() -> None:
    with CannedServer(http(b'{"error":{"message":"Busy."}}', "503 Busy")) as server:
        found = run_round(Client(server.url), ORDER, ["one"])
    assert found.samples[0].problem == "Busy."


def test_an_empty_answer_is_a_failure() -> None:
    with CannedServer(events(b"[DONE]")) as server:
        found = run_round(Client(server.url), ORDER, ["one"])
    assert found.samples[0].problem == "The answer was empty."
