"""The engine of the NPU: requests become runs, and what runs say becomes events."""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterator
from dataclasses import replace

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Event, Finish, FinishReason, Timings, Usage
from appliance.domain.patience import Patience
from appliance.domain.requests import (
    ChatRequest,
    CompletionRequest,
    Generation,
    Prompt,
)
from appliance.engines.base import Vectors
from appliance.engines.rkllm import adapters, attempts
from appliance.engines.rkllm.abi import RKLLMInferMode
from appliance.engines.rkllm.adapters import Adapter
from appliance.engines.rkllm.attempts import Ending
from appliance.engines.rkllm.chat.answer import AnswerReader, Piece
from appliance.engines.rkllm.chat.ignored import ignored
from appliance.engines.rkllm.chat.pooling import embedding
from appliance.engines.rkllm.chat.prefix import Build, Plan, PrefixStore
from appliance.engines.rkllm.chat.prefixfiles import Identity, PrefixFiles
from appliance.engines.rkllm.chat.reasoning import ReasoningSplitter
from appliance.engines.rkllm.extras import NpuExtras
from appliance.engines.rkllm.failures import StartFailed
from appliance.engines.rkllm.library import abi_of
from appliance.engines.rkllm.link import Limits
from appliance.engines.rkllm.memory import Memory
from appliance.engines.rkllm.model import NpuModel, greedy
from appliance.engines.rkllm.process import Task
from appliance.engines.rkllm.speech import Asked
from appliance.engines.rkllm.values import Run
from appliance.engines.rkllm.wire import Ended, Rows, Said
from appliance.errors import ContextTooLong, EngineError
from appliance.settings import NpuEngineSettings

_HONOURED = (adapters.OPTION, "cache_prompt")
_BYTES_A_TOKEN = 3  # for time limits only, where nobody can count


class Rkllm:
    """An `Engine` (see `engines.base`); the NPU does one thing at a time."""

    slots = 1

    def __init__(
        self,
        model: NpuModel,
        settings: NpuEngineSettings,
        patience: Patience,
        files: PrefixFiles,
        idle: float = 20.0,
    ) -> None:
        self._model = model
        self._settings = settings
        self._patience = patience
        self._adapters: dict[Identity, Adapter | None] = {}
        self._memory = Memory(PrefixStore(files, idle=idle), self._build, idle)
        self.extras = NpuExtras(model, lambda: self._memory.running)

    @property
    def context(self) -> int:
        """Tokens that one request may use."""
        return self._model.context

    @property
    def state(self) -> str:
        """The state of the model's process."""
        return self._model.state

    @property
    def pid(self) -> int | None:
        """The process's id."""
        return self._model.process.child.pid

    @property
    def restarts(self) -> int:
        """How often the process had to be started again."""
        return self._model.process.child.restarts

    def start(self) -> None:
        """Begin to load, again after a failure."""
        self._model.start()
        self._memory.start()

    def wait_ready(self, timeout: float) -> None:
        """Return when the model is loaded."""
        self._model.wait_ready(timeout)

    def stop(self) -> None:
        """End the process, and what is made when it is idle."""
        self._model.stop()  # first: a build that hangs would keep the other waiting
        self._memory.stop()

    def ignored(self, generation: Generation) -> tuple[str, ...]:
        """What the runtime's version cannot do, and the probabilities that none tells."""
        per_run = abi_of(self._model.version).sampling is not None
        names = ignored(generation, self._model.spec.common.defaults, per_run=per_run)
        return (*names, *(name for name in generation.options if name not in _HONOURED))

    def chat(self, request: ChatRequest, cancel: CancelToken) -> Iterator[Event]:
        """The next turn of a conversation, asked again where its form was not the wanted one."""

        def turn(wanted: ChatRequest) -> Generator[Piece, None, Ending]:
            asked = self._model.speech.turn(wanted, self._model.spec.stop)
            return self._answer(asked, wanted.generation, cancel)

        return attempts.chat(request, turn)

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> Iterator[Event]:
        """The continuation of a prompt."""
        asked = self._model.speech.continuation(request, self._model.spec.stop)
        ending = yield from self._answer(asked, request.generation, cancel)
        yield ending.finish

    def embed(self, inputs: tuple[Prompt, ...], cancel: CancelToken) -> Vectors:
        """Pooled hidden states of the last layer, of length one; see `NpuSpec.pooling`."""
        vectors, tokens = [], 0
        for text in inputs:
            prompt = self._model.speech.whole(text)
            run = Run(prompt, mode=RKLLMInferMode.GET_LAST_HIDDEN_LAYER)
            limits = self._limits(self._checked_size(prompt))
            with (
                self._memory.run() as store,
                self._model.process.running(Task(run), limits, cancel) as running,
            ):
                store.forget()
                for message in running.messages():
                    if isinstance(message, Rows):
                        values = array("f", message.values)
                        vectors.append(embedding(values, message.columns, self._model.pooling))
                    elif isinstance(message, Ended):
                        tokens += message.prompt_tokens
        self._model.check_growth()
        if len(vectors) != len(inputs):
            raise EngineError("The NPU gave no hidden states; this model cannot embed texts.")
        return Vectors(tuple(vectors), tokens)

    def tokenize(self, text: str, cancel: CancelToken) -> tuple[int, ...]:
        """The token ids of `text`; spellings of special tokens are read as such."""
        return self._model.speech.tokenizer.encode(text)

    def detokenize(self, tokens: tuple[int, ...], cancel: CancelToken) -> str:
        """The text of token ids."""
        return self._model.speech.tokenizer.decode(tokens, special=True)

    def _answer(
        self, asked: Asked, wanted: Generation, cancel: CancelToken
    ) -> Generator[Piece, None, Ending]:
        """One run, told as it comes."""
        size = self._checked_size(asked.prompt)
        if wanted.max_tokens == 0:
            return Ending(Finish("length", Usage(size, 0)), 0)
        adapter = adapters.chosen(wanted.options, self._model.spec.folder)
        run = Run(
            asked.prompt,
            sampling=greedy(wanted.sampling.over(self._model.spec.common.defaults)),
            max_new_tokens=wanted.max_tokens or 0,
            keep_history=True,
            thinking=asked.thinking,
        )
        task = _with_adapter(Task(run), adapter)
        with self._memory.run() as store:
            ended = yield from self._remembered(task, adapter, asked, store, cancel)
            self._model.check_growth()
        yield from asked.reader.finish()
        return Ending(self._finish(asked, wanted, ended), asked.reader.calls)

    def _remembered(
        self,
        task: Task,
        adapter: Adapter | None,
        asked: Asked,
        store: PrefixStore,
        cancel: CancelToken,
    ) -> Generator[Piece, None, Ended]:
        """The run, without computing again what the model holds or has on disk."""
        tokens = asked.prompt
        if isinstance(tokens, str):
            store.forget()
            ended, _ = yield from self._told(task, asked.reader, cancel)
            return ended
        identity = self._model.identity(adapter)
        self._adapters[identity] = adapter
        plan = store.plan(identity, tokens)
        try:
            ended, said = yield from self._told(_planned(task, plan), asked.reader, cancel)
        except StartFailed:
            store.refused(plan)
            plan = store.plan(identity, tokens)
            ended, said = yield from self._told(_planned(task, plan), asked.reader, cancel)
        if ended.context:
            store.ran(identity, tokens, said, ended.context)
        store.saw(identity, asked.shared())
        return ended

    def _told(
        self, task: Task, reader: AnswerReader, cancel: CancelToken
    ) -> Generator[Piece, None, tuple[Ended, list[int]]]:
        said: list[int] = []
        limits = self._limits(_size(task.run.prompt))
        with self._model.process.running(task, limits, cancel) as running:
            for message in running.messages():
                if isinstance(message, Ended):
                    return message, said
                if isinstance(message, Said) and not reader.stopped:
                    said += message.tokens
                    yield from reader.feed(message.text)
                    if reader.stopped:
                        running.abort()
        raise EngineError("The NPU ended the run without a word; send the request again.")

    def _build(self, build: Build, cancel: CancelToken) -> None:
        """Have the state of a prefix written to a file."""
        run = Run(build.tokens, max_new_tokens=1, save_cache=build.path)
        task = _with_adapter(Task(run), self._adapters[build.identity])
        for _ in self._told(task, AnswerReader(ReasoningSplitter(keep=True)), cancel):
            pass

    def _finish(self, asked: Asked, wanted: Generation, ended: Ended) -> Finish:
        size = len(asked.prompt) if isinstance(asked.prompt, tuple) else ended.prompt_tokens
        reason: FinishReason = "stop"
        if asked.reader.calls:
            reason = "tool_calls"
        elif not asked.reader.stopped and self._was_cut(size, wanted, ended):
            reason = "length"
        usage = Usage(size, ended.tokens, max(0, size - ended.prompt_tokens))
        timings = Timings(ended.prompt_tokens, ended.prompt_ms, ended.tokens, ended.generated_ms)
        return Finish(reason, usage, timings, word=asked.reader.word)

    def _was_cut(self, size: int, wanted: Generation, ended: Ended) -> bool:
        at_limit = wanted.max_tokens is not None and ended.tokens >= wanted.max_tokens
        return ended.limited or at_limit or size + ended.tokens >= self.context

    def _checked_size(self, prompt: Prompt) -> int:
        """Tokens of the prompt, or a guess for a text; raises ContextTooLong."""
        size = _size(prompt)
        if isinstance(prompt, tuple) and size >= self.context:
            raise ContextTooLong(
                f"This model's maximum context length is {self.context} tokens, but the prompt "
                f"has {size} tokens. Shorten it, or raise npu_engine.context."
            )
        return size

    def _limits(self, size: int) -> Limits:
        return Limits(
            first=self._patience.first_token(size),
            stall=self._patience.stall,
            abort=self._settings.abort_seconds,
            abort_prompt=size / self._settings.slowest_prefill,
        )


def _planned(task: Task, plan: Plan) -> Task:
    if not plan.resumes:
        return replace(task, cache=plan.cache)
    assert isinstance(task.run.prompt, tuple)
    rest = replace(task.run, prompt=task.run.prompt[plan.reused :])
    return replace(task, run=rest, resumes=plan.reused)


def _with_adapter(task: Task, adapter: Adapter | None) -> Task:
    if adapter is None:
        return task
    run = replace(task.run, lora=adapter.name)
    return replace(task, run=run, lora_file=adapter.path, lora_scale=adapter.scale)


def _size(prompt: Prompt) -> int:
    if isinstance(prompt, tuple):
        return len(prompt)
    return 1 + len(prompt.encode()) // _BYTES_A_TOKEN
