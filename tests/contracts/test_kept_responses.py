"""Conversations that the device remembers: the official client's `previous_response_id`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseInputMessageItem

from appliance.domain.requests import ChatRequest
from appliance.engines.scripted import always
from appliance.errors import EngineDied
from tests.contracts.asking import connect, inference_key, tool
from tests.contracts.scripted import Stage, performing
from tests.helpers.server import RunningLuna

Said = list[tuple[str, str]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("stage")) as played:
        yield played


@pytest.fixture
def luna(stage: Stage) -> Iterator[OpenAI]:
    stage.script, stage.failure = always(b"Hel", b"lo"), None
    with OpenAI(base_url=f"{stage.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def ask(luna: OpenAI, text: Any, **more: Any) -> Any:
    return luna.responses.create(model="luna-small", input=text, **more)


def text_of(message: Any) -> str:
    (part,) = message.content
    return str(part.text)


def read(stage: Stage) -> Said:
    """What the model was given last."""
    request = stage.asked[-1]
    assert isinstance(request, ChatRequest)
    return [(each.role.value, each.content) for each in request.messages]


def test_a_conversation_of_three_turns(stage: Stage, luna: OpenAI) -> None:
    first = ask(luna, "One", instructions="Be brief.")
    assert first.store is True
    stage.script = always(b"Two it is.")
    second = ask(luna, "Two", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    ask(luna, "Three", previous_response_id=second.id)
    # Instructions are each request's own.
    assert read(stage) == [
        ("user", "One"),
        ("assistant", "Hello"),
        ("user", "Two"),
        ("assistant", "Two it is."),
        ("user", "Three"),
    ]


def test_two_ways_on_from_one_response(stage: Stage, luna: OpenAI) -> None:
    first = ask(luna, "One")
    ask(luna, "Left", previous_response_id=first.id)
    ask(luna, "Right", previous_response_id=first.id)
    assert read(stage) == [("user", "One"), ("assistant", "Hello"), ("user", "Right")]


def test_a_stream_is_kept_before_its_end_is_told(stage: Stage, luna: OpenAI) -> None:
    *_, last = ask(luna, "One", stream=True)
    assert last.type == "response.completed"
    assert last.response.store is True
    assert luna.responses.retrieve(last.response.id).output_text == "Hello"
    ask(luna, "Two", previous_response_id=last.response.id, stream=True).close()
    assert read(stage)[:2] == [("user", "One"), ("assistant", "Hello")]


@pytest.mark.needs("engine")
def test_calls_and_their_outputs_are_remembered(tmp_path: Path) -> None:
    weather: Any = {"type": "function", **tool("get_weather", city="Oslo")["function"]}
    with RunningLuna(tmp_path) as running, connect(running) as client:
        asked: Any = {"model": "tiny", "max_output_tokens": 200, "tools": [weather]}
        first = client.responses.create(input="Weather?", tool_choice="required", **asked)
        (call,) = [item for item in first.output if item.type == "function_call"]
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "7"}
        done = client.responses.create(
            input=[output],
            previous_response_id=first.id,
            **asked | {"max_output_tokens": 3, "tool_choice": "none"},
        )
        items = list(client.responses.input_items.list(done.id, order="asc"))
        assert [item.type for item in items] == ["message", "function_call", "function_call_output"]


def test_reading_what_is_kept(luna: OpenAI) -> None:
    first = ask(luna, "One", metadata={"topic": "numbers"}, instructions="Be brief.")
    content = [{"type": "input_text", "text": "Two"}]
    second = ask(luna, [{"role": "user", "content": content}], previous_response_id=first.id)
    assert luna.responses.retrieve(first.id) == first
    assert luna.responses.retrieve(second.id) == second

    items = list(luna.responses.input_items.list(second.id, order="asc"))
    texts = [text_of(item) for item in items]
    assert texts == ["One", "Hello", "Two"]
    assert len({item.id for item in items}) == 3
    assert list(luna.responses.input_items.list(second.id)) == items[::-1]
    # A page at a time the client fetches all.
    assert list(luna.responses.input_items.list(second.id, order="asc", limit=1)) == items


def test_listing(luna: OpenAI) -> None:
    made = [ask(luna, str(number)).id for number in range(3)]
    page: Any = luna.get("/responses?limit=2", cast_to=object)
    assert [each["id"] for each in page["data"]] == made[:0:-1]
    assert (page["object"], page["first_id"], page["has_more"]) == ("list", made[2], True)
    rest: Any = luna.get(f"/responses?limit=1&after={page['last_id']}", cast_to=object)
    assert rest["data"][0]["id"] == made[0]
    for_others: Any = {"headers": {"X-Forwarded-For": "10.0.0.9"}}
    with pytest.raises(openai.PermissionDeniedError):
        luna.get("/responses", cast_to=object, options=for_others)
    assert luna.get(f"/responses/{made[0]}", cast_to=object, options=for_others)
    for wrong in ("limit=0", "limit=101", "limit=x", "limit=9999999999999", "order=up"):
        with pytest.raises(openai.BadRequestError):
            luna.get(f"/responses?{wrong}", cast_to=object)


def test_deleting(luna: OpenAI) -> None:
    first = ask(luna, "One")
    second = ask(luna, "Two", previous_response_id=first.id)
    luna.responses.delete(first.id)
    for forgotten in (
        lambda: luna.responses.retrieve(first.id),
        lambda: luna.responses.delete(first.id),
        lambda: luna.responses.input_items.list(first.id),
        lambda: ask(luna, "Three", previous_response_id=first.id),
        lambda: ask(luna, "Three", previous_response_id=second.id),
    ):
        with pytest.raises(openai.NotFoundError, match="There is no response"):
            forgotten()
    assert luna.responses.retrieve(second.id) == second
    # Its own turns are there still, those before are not.
    (left,) = luna.responses.input_items.list(second.id)
    assert text_of(left) == "Two"


def test_an_unknown_response(luna: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(luna, "Two", previous_response_id="resp_unknown")
    assert caught.value.param == "previous_response_id"
    assert caught.value.code == "not_found"
    for strange in ("x" * 3000, "' OR 1=1 --", "../../etc", "\N{CRESCENT MOON}"):
        with pytest.raises(openai.NotFoundError):
            ask(luna, "Two", previous_response_id=strange)
        with pytest.raises((openai.NotFoundError, openai.BadRequestError)):
            luna.responses.retrieve(strange)


def test_what_is_not_kept(stage: Stage, luna: OpenAI) -> None:
    forgotten = ask(luna, "One", store=False)
    assert forgotten.store is False
    with pytest.raises(openai.NotFoundError):
        luna.responses.retrieve(forgotten.id)

    stage.failure, stage.fails_at = EngineDied("The engine ended."), 1
    *_, last = ask(luna, "One", stream=True)
    assert last.type == "response.failed"
    assert last.response.store is False
    with pytest.raises(openai.NotFoundError):
        luna.responses.retrieve(last.response.id)


@pytest.mark.needs("engine")
def test_a_device_that_keeps_none_says_so(tmp_path: Path) -> None:
    settings = "[responses]\ncount = 0\n"
    with RunningLuna(tmp_path, settings=settings) as running, connect(running) as client:
        asked: Any = {"model": "tiny", "input": "x", "max_output_tokens": 1}
        assert client.responses.create(**asked).store is False
        raw = client.responses.with_raw_response.create(**asked, store=True)
        assert raw.headers["x-luna-ignored"] == "store"
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(raw.parse().id)


def test_a_page_of_elsewhere_deletes_nothing(luna: OpenAI) -> None:
    made = ask(luna, "One")
    with pytest.raises(openai.PermissionDeniedError):
        luna.responses.delete(made.id, extra_headers={"Origin": "http://evil.example"})
    assert luna.responses.retrieve(made.id) == made


@pytest.mark.needs("engine")
def test_a_power_cut_takes_nothing_that_was_told(tmp_path: Path) -> None:
    """Killed in mid-work, again and again: whatever a client heard of is there."""
    told: list[str] = []
    for _ in range(2):
        with RunningLuna(tmp_path) as running:
            running.wait_loaded()
            enough = threading.Event()

            def talk(url: str = running.url, enough: threading.Event = enough) -> None:
                with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
                    while True:
                        more: Any = {"previous_response_id": told[-1]} if told else {}
                        more |= {"max_output_tokens": 2, "truncation": "auto"}
                        try:
                            done = client.responses.create(model="tiny", input="Go on.", **more)
                        except openai.APIConnectionError:
                            return
                        told.append(done.id)
                        if len(told) % 5 == 0:
                            enough.set()

            talker = threading.Thread(target=talk)
            talker.start()
            assert enough.wait(30)
            running.kill()
            talker.join(30)
    with RunningLuna(tmp_path) as running, connect(running) as client:
        items = list(client.responses.input_items.list(told[-1], order="asc", limit=100))
        # Two tokens may be half a character, and then there was no answer to keep.
        assert sum(isinstance(item, ResponseInputMessageItem) for item in items) == len(told)
        for id in told:
            assert client.responses.retrieve(id).id == id


@pytest.mark.needs("engine")
def test_a_key_has_its_own(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as running, connect(running) as nobody:
        free = nobody.responses.create(model="tiny", input="x", max_output_tokens=1)
        ann, bob = (
            nobody.with_options(api_key=inference_key(tmp_path, name)) for name in ("ann", "bob")
        )
        with ann, bob:
            hers = ann.responses.create(model="tiny", input="x", max_output_tokens=1)
            assert ann.responses.retrieve(hers.id) == hers
            assert bob.responses.retrieve(free.id).id == free.id
            with pytest.raises(openai.NotFoundError):
                bob.responses.retrieve(hers.id)
            with pytest.raises(openai.NotFoundError):
                bob.responses.create(model="tiny", input="x", previous_response_id=hers.id)
            listed: Any = bob.get("/responses", cast_to=object)
            assert listed["data"] == []
            listed = ann.get("/responses", cast_to=object)
            assert [each["id"] for each in listed["data"]] == [hers.id]
            with pytest.raises(openai.AuthenticationError):
                nobody.responses.retrieve(hers.id)
