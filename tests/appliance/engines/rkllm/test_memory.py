"""Nothing is computed twice: the context in memory, prompt caches, and what spoils them."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.messages import Message, Role
from appliance.domain.requests import ChatRequest, Generation
from tests.appliance.engines.rkllm.workshop import (
    PATIENCE_S,
    Workshop,
    asked,
    chat,
    failure,
    finish,
    text,
)
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("g++")
RULES = Message(Role.SYSTEM, "Be brief and kind to everybody who asks. " * 5)


def with_rules(question: str, max_tokens: int | None = None) -> ChatRequest:
    return ChatRequest(Generation("m", max_tokens), (RULES, Message(Role.USER, question)))


def test_a_follow_up_goes_on_from_the_context_in_memory(workshop: Workshop) -> None:
    engine = workshop.ready(reply="Yes.")
    first = finish(chat(engine, asked("Hello"))).usage
    assert first.cached == 0
    events = chat(engine, asked("Hello", "Yes.", "And now?"))
    assert text(events) == "Yes."
    assert finish(events).usage.cached == first.prompt + first.completion
    other = finish(chat(engine, asked("Something else"))).usage
    assert other.cached == 0


def test_the_context_is_the_same_with_and_without_memory(newest: Workshop) -> None:
    # What the simulator says follows from all of its context.
    engine = newest.ready(bytes=1, reply_words=3)
    said = text(chat(engine, asked("Hello")))
    follow_up = asked("Hello", said, "And now?")
    resumed = chat(engine, follow_up)
    chat(engine, asked("Something else"))
    fresh = chat(engine, follow_up)
    assert finish(resumed).usage.cached > 0
    assert finish(fresh).usage.cached == 0
    assert text(resumed) == text(fresh)


def test_a_limited_or_stopped_answer_is_computed_again(workshop: Workshop) -> None:
    engine = workshop.ready(reply="one two three")
    chat(engine, asked("Hello", stop=("two",)))
    events = chat(engine, asked("Hello", "one ", "More"))
    assert finish(events).usage.cached == 0
    assert text(events) == "one two three"


def test_an_adapter_has_a_memory_of_its_own(newest: Workshop) -> None:
    newest.idle = 0.2
    engine = newest.ready(reply="Yes.")
    (newest.folder / "lora").mkdir()
    (newest.folder / "lora" / "polite.rkllm").write_text("weights", "utf-8")
    options = {"lora": [{"id": 0, "scale": 1.0}]}

    def adapted(request: ChatRequest) -> ChatRequest:
        return replace(request, generation=Generation("m", options=options))

    chat(engine, asked("Hello"))
    follow_up = asked("Hello", "Yes.", "And now?")
    assert finish(chat(engine, adapted(follow_up))).usage.cached == 0
    for question in ("One?", "Two?"):
        chat(engine, adapted(with_rules(question)))
    eventually(lambda: list(newest.caches.glob("*.json")), "a prompt cache of the adapted model")
    assert finish(chat(engine, with_rules("Three?"))).usage.cached == 0
    assert finish(chat(engine, adapted(with_rules("Four?")))).usage.cached > 100


def test_a_new_process_knows_nothing(newest: Workshop) -> None:
    engine = newest.ready(reply="Yes.")
    chat(engine, asked("Hello"))
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: engine.pid not in (pid, None))
    engine.wait_ready(PATIENCE_S)
    events = chat(engine, asked("Hello", "Yes.", "And now?"))
    assert (text(events), finish(events).usage.cached) == ("Yes.", 0)


def test_a_failed_run_is_forgotten(newest: Workshop) -> None:
    engine = newest.ready(reply="Yes.", fault="run-error", fault_if="fail")
    chat(engine, asked("Hello"))
    failure(lambda: chat(engine, asked("Hello", "Yes.", "fail")))
    events = chat(engine, asked("Hello", "Yes.", "And now?"))
    assert finish(events).usage.cached == 0


def test_an_embedding_in_between_costs_the_memory_and_nothing_else(newest: Workshop) -> None:
    engine = newest.ready(reply="Yes.")
    chat(engine, asked("Hello"))
    engine.embed(("text",), CancelToken())
    events = chat(engine, asked("Hello", "Yes.", "And now?"))
    assert (text(events), finish(events).usage.cached) == ("Yes.", 0)


def test_a_shared_prefix_becomes_a_file_and_is_used(workshop: Workshop) -> None:
    workshop.idle = 0.2
    engine = workshop.ready(reply="@prompt")
    for question in ("One?", "Two?"):
        assert finish(chat(engine, with_rules(question))).usage.cached == 0
    eventually(lambda: list(workshop.caches.glob("*.json")), "a prompt cache")
    events = chat(engine, with_rules("Three?"))
    cached = finish(events).usage.cached
    assert cached > len(RULES.content)
    assert "Three?" in text(events)
    engine.stop()
    again = workshop.ready(reply="@prompt")  # the file of a model with the same content, but newer
    assert finish(chat(again, with_rules("Four?"))).usage.cached == 0


def test_a_cache_that_the_runtime_refuses_is_removed(newest: Workshop) -> None:
    newest.idle = 0.2
    engine = newest.ready(reply="ok")
    for question in ("One?", "Two?"):
        chat(engine, with_rules(question))
    eventually(lambda: list(newest.caches.glob("*.json")), "a prompt cache")
    (file,) = newest.caches.glob("*.cache")
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.write(b"x" * 40)
    assert file.stat().st_size == size
    events = chat(engine, with_rules("Three?"))
    assert (text(events), finish(events).usage.cached) == ("ok", 0)
    assert not list(newest.caches.glob("*.cache"))
    assert engine.state == "loaded"


def test_a_request_comes_before_a_cache_that_is_being_made(newest: Workshop) -> None:
    newest.idle = 0.2
    # 250 tokens of a prefix take 0.5 s: the third question comes in the middle of that.
    engine = newest.ready(reply="ok", prefill_us=2000)
    for question in ("One?", "Two?"):
        chat(engine, with_rules(question))
    caches = newest.caches
    eventually(lambda: engine._memory._building is not None, "a build")
    for question in ("Three?", "Four?"):
        assert text(chat(engine, with_rules(question))) == "ok"
    assert engine.state == "loaded"
    eventually(lambda: list(caches.glob("*.json")), "a prompt cache, later")


def test_a_template_that_refuses_the_probes_for_a_prefix_costs_nothing(newest: Workshop) -> None:
    picky = (
        "{% for m in messages %}{% if m.content in ['0', 'Z'] %}{{ raise_exception('no') }}"
        "{% endif %}{{ m.content }}{% endfor %}"
    )
    engine = newest.ready(reply="ok", spec={"chat_template": picky})
    assert text(chat(engine, with_rules("One?"))) == "ok"


def test_stopping_ends_what_is_being_made(newest: Workshop) -> None:
    newest.idle = 0.05
    engine = newest.ready(reply="ok", prefill_us=2000)
    for question in ("One?", "Two?"):
        chat(engine, with_rules(question))
    eventually(lambda: engine._memory._building is not None, "a build")
    engine.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "luna-npu-cache"]
