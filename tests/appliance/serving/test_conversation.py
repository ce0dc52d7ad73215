from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Finish, Usage
from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    Generation,
    Prompt,
)
from appliance.domain.sampling import Sampling
from appliance.engines.base import Vectors
from appliance.engines.scripted import Gates, Script, Scripted, always
from appliance.errors import (
    Cancelled,
    ContextTooLong,
    EngineDied,
    EngineError,
    LunaError,
    ModelLoadFailed,
    ModelNotFound,
    QueueFull,
    Unsupported,
)
from appliance.models.folder import Entry
from appliance.observe.runs import Runs
from appliance.serving.answer import Answer, Caller
from appliance.serving.conversation import Conversation
from appliance.serving.pool import Pool
from appliance.serving.scheduler import Load
from appliance.serving.toolbox import Toolbox
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library

Gate = Callable[[int, CancelToken], None]


class Service:
    """A conversation service over one scripted engine for each model."""

    def __init__(self, folder: Path, slots: int = 2, queue: int = 4) -> None:
        settings = ModelSettings(fallback=False)
        self.script: Script = always(b"Hel", b"lo")
        self.gate: Gate = lambda k, cancel: None
        self.load: Callable[[], None] = lambda: None
        self.slots = slots
        self.library = Library(folder, settings)
        self.library.put("m")
        registry = self.library.registry
        self.pool = Pool(registry, self._engine, settings, queue, self.library.clock)
        runs = Runs(lambda pid: 0)
        self.conversation = Conversation(registry, self.pool, Toolbox(), 2, runs)

    def _engine(self, entry: Entry) -> Scripted:
        gates = Gates(load=lambda: self.load(), token=lambda k, cancel: self.gate(k, cancel))
        return Scripted(lambda request: self.script(request), gates, self.slots)

    def chat(self, cancel: CancelToken | None = None, n: int = 1, model: str = "m") -> Answer:
        return self.conversation.chat(chat(n=n, model=model), caller(cancel))

    @property
    def load_now(self) -> Load:
        (loaded,) = self.pool.loaded()
        return loaded.scheduler.load()


def caller(cancel: CancelToken | None = None) -> Caller:
    return Caller("127.0.0.1", "req_1", cancel or CancelToken())


def chat(n: int = 1, model: str = "m") -> ChatRequest:
    return ChatRequest(Generation(model, n=n), (Message(Role.USER, "Hi"),))


def text_of(answer: Answer, index: int = 0) -> str:
    return "".join(
        item.event.text
        for item in answer.events
        if item.index == index and isinstance(item.event, Content)
    )


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_an_answer_from_the_first_event_to_the_last(service: Service) -> None:
    answer = service.chat()
    assert answer.model == "m"
    assert service.load_now.running == 1
    events = [item.event for item in answer.events]
    assert events == [Content("Hel"), Content("lo"), Finish("stop", Usage(2, 2))]
    assert service.load_now == Load(2, 0, 0)


def test_what_the_engine_ignores_is_told_before_the_first_event(service: Service) -> None:
    wanted = Generation("m", sampling=Sampling(seed=4))
    with_seed = service.conversation.chat(replace(chat(), generation=wanted), caller())
    assert (with_seed.ignored, service.chat().ignored) == (("seed",), ())


def test_what_goes_wrong_before_the_first_event_is_raised(service: Service) -> None:
    def fail(k: int, cancel: CancelToken) -> None:
        raise EngineError("broken")

    service.gate = fail
    with pytest.raises(EngineError, match="broken"):
        service.chat()
    assert service.load_now.running == 0
    with pytest.raises(ModelNotFound):
        service.chat(model="other")


def test_what_goes_wrong_later_comes_out_of_the_stream(service: Service) -> None:
    def fail(k: int, cancel: CancelToken) -> None:
        if k == 1:
            raise EngineDied("gone")

    service.gate = fail
    answer = service.chat()
    assert next(answer.events).event == Content("Hel")
    with pytest.raises(EngineDied):
        next(answer.events)
    assert service.load_now.running == 0


def test_closing_frees_the_slot(service: Service) -> None:
    answer = service.chat()
    next(answer.events)
    answer.events.close()
    assert service.load_now.running == 0
    assert list(answer.events) == []


def test_an_engine_that_dies_before_the_first_event_is_asked_once_more(service: Service) -> None:
    tries: list[int] = []

    def die(k: int, cancel: CancelToken) -> None:
        tries.append(k)
        if len(tries) == 1:
            raise EngineDied("gone")

    service.gate = die
    assert text_of(service.chat()) == "Hello"
    assert tries == [0, 0, 1]


def test_it_is_not_asked_a_third_time(service: Service) -> None:
    tries: list[int] = []

    def die(k: int, cancel: CancelToken) -> None:
        tries.append(k)
        raise EngineDied("gone")

    service.gate = die
    with pytest.raises(EngineDied):
        service.chat()
    assert tries == [0, 0]
    assert service.load_now.running == 0


def test_cancelling_ends_the_answer(service: Service) -> None:
    cancel = CancelToken()
    answer = service.chat(cancel)
    next(answer.events)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(answer.events)
    assert service.load_now.running == 0


def test_several_choices_have_seeds_of_their_own(service: Service) -> None:
    seeds: list[int | None] = []
    lock = threading.Lock()

    def script(request: ChatRequest | CompletionRequest) -> tuple[bytes, ...]:
        with lock:
            seeds.append(request.generation.sampling.seed)
        return (b"x",)

    service.script = script
    request = ChatRequest(
        Generation("m", sampling=Sampling(seed=5), n=3), (Message(Role.USER, "Hi"),)
    )
    answer = service.conversation.chat(request, caller())
    items = list(answer.events)
    assert {item.index for item in items} == {0, 1, 2}
    assert sorted(seed for seed in seeds if seed is not None) == [5, 6, 7]
    assert service.load_now == Load(2, 0, 0)


def test_prompts_and_choices_are_numbered_by_prompt_first(service: Service) -> None:
    def script(request: ChatRequest | CompletionRequest) -> tuple[bytes, ...]:
        assert isinstance(request, CompletionRequest)
        return (str(request.prompt).upper().encode(),)

    service.script = script
    requests = [CompletionRequest(Generation("m", n=2), prompt) for prompt in ("a", "b")]
    items = list(service.conversation.complete(requests, caller()).events)
    texts = {item.index: item.event.text for item in items if isinstance(item.event, Content)}
    assert texts == {0: "A", 1: "A", 2: "B", 3: "B"}


def test_a_full_queue_is_refused_before_the_answer(tmp_path: Path) -> None:
    service = Service(tmp_path, slots=1, queue=1)
    first = service.chat()
    with pytest.raises(QueueFull):
        service.chat(n=3)
    first.events.close()
    assert service.load_now == Load(1, 0, 0)
    assert text_of(service.chat()) == "Hello"


def test_device_tools_are_run_on_the_way(service: Service) -> None:
    def script(request: ChatRequest | CompletionRequest) -> tuple[bytes | ToolCall, ...]:
        assert isinstance(request, ChatRequest)
        if request.messages[-1].role is Role.TOOL:
            return (request.messages[-1].content.encode(),)
        return (ToolCall("1", "no_such_tool", "{}"),)

    service.script = script
    request = ChatRequest(
        Generation("m"),
        (Message(Role.USER, "Hi"),),
        tools=(ToolDefinition("no_such_tool"),),
        device_tools=frozenset({"no_such_tool"}),
    )
    answer = service.conversation.chat(request, caller())
    assert "There is no tool named" in text_of(answer)
    assert service.load_now == Load(2, 0, 0)


def test_vectors_and_tokens(service: Service) -> None:
    request = EmbeddingRequest("M:latest", ("ab", (1, 2, 3)))
    name, found = service.conversation.embed(request, caller())
    assert name == "M:latest"
    assert len(found.vectors) == 2
    assert found.prompt_tokens == 5
    assert service.load_now == Load(2, 0, 0)
    assert service.conversation.detokenize("m", (72, 105), CancelToken()) == "Hi"


def test_a_model_that_cannot_be_loaded_says_why(service: Service) -> None:
    def fail() -> None:
        raise EngineError("The disk is full.")

    service.load = fail
    with pytest.raises(ModelLoadFailed, match="disk is full"):
        service.chat()


def test_another_default_stands_in_for_one_that_cannot_be_loaded(service: Service) -> None:
    service.library.put("newer", changed=200)

    def fail() -> None:
        service.load = lambda: None
        raise EngineError("damaged")

    service.load = fail
    answer = service.chat(model="")
    assert answer.model == "m"
    answer.events.close()


@pytest.mark.parametrize("error", [Cancelled("left"), EngineError("broken")])
def test_a_failing_choice_frees_every_slot(service: Service, error: LunaError) -> None:
    lock = threading.Lock()
    seen: list[int] = []

    def fail(k: int, cancel: CancelToken) -> None:
        with lock:
            seen.append(k)
            last = len(seen) == 3
        if last:
            raise error

    service.gate = fail
    with pytest.raises(type(error)):
        list(service.chat(n=4).events)
    assert service.load_now == Load(2, 0, 0)


def test_a_conversation_that_is_too_long_may_forget_its_oldest_turns(service: Service) -> None:
    sizes: list[int] = []

    def script(request: ChatRequest | CompletionRequest) -> tuple[bytes, ...]:
        assert isinstance(request, ChatRequest)
        sizes.append(len(request.messages))
        if len(request.messages) > 2:
            raise ContextTooLong("Too long.", prompt_tokens=10, context=9)
        return (b"x",)

    service.script = script
    turns = tuple(Message(Role.USER, "a" * 10) for _ in range(5))
    long = ChatRequest(Generation("m"), turns)
    with pytest.raises(ContextTooLong):
        service.conversation.chat(long, caller())
    list(service.conversation.chat(long, caller(), forgetful=True).events)
    assert sizes == [5, 5, 4, 3, 2]
    assert service.load_now.running == 0


def test_what_alone_is_too_long_stays_an_error(service: Service) -> None:
    def script(request: ChatRequest | CompletionRequest) -> tuple[bytes, ...]:
        raise ContextTooLong("Too long.")

    service.script = script
    with pytest.raises(ContextTooLong):
        service.conversation.chat(chat(), caller(), forgetful=True)


def test_a_model_stays_as_long_as_a_request_says(service: Service) -> None:
    wanted = replace(chat(), generation=replace(chat().generation, keep_alive=60.0))
    list(service.conversation.chat(wanted, caller()).events)
    (loaded,) = service.pool.loaded()
    assert loaded.keep == 60
    service.conversation.embed(EmbeddingRequest("m", ("a",), keep_alive=70.0), caller())
    assert loaded.keep == 70
    with service.conversation.model("m", 80.0):
        pass
    assert loaded.keep == 80
    service.pool.close()


def test_tokens_are_counted_only_where_the_engine_can(service: Service) -> None:
    with pytest.raises(Unsupported):
        service.conversation.count_tokens(chat(), CancelToken())


def test_a_text_that_is_too_long_for_a_vector_may_be_cut(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Scripted.embed

    def embed(self: Scripted, inputs: tuple[Prompt, ...], cancel: CancelToken) -> Vectors:
        if any(len(each) > 4 for each in inputs):
            raise ContextTooLong("Too long.", prompt_tokens=9, context=4)
        return whole(self, inputs, cancel)

    monkeypatch.setattr(Scripted, "embed", embed)
    long = EmbeddingRequest("m", ("abcdef", "x"))
    with pytest.raises(ContextTooLong):
        service.conversation.embed(long, caller())
    _, cut = service.conversation.embed(replace(long, truncate=True), caller())
    _, short = service.conversation.embed(EmbeddingRequest("m", ("abcd", "x")), caller())
    assert cut == short
