"""A round of load: some clients ask at the same moment, each in a thread, and note the times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from appliance.cli.client import Client, Usage
from appliance.errors import LunaError


@dataclass(frozen=True, slots=True)
class Sample:
    """One request; times in seconds on one clock, `pieces` of each piece of text that came."""

    begun: float
    pieces: tuple[float, ...]
    prompt_tokens: int
    tokens: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave; `client_cpu` is the load generator's own share of one core, 0 to 1."""

    samples: tuple[Sample, ...]
    client_cpu: float


@dataclass(frozen=True, slots=True)
class Order:
    """What every client asks for: `tokens` tokens, whatever the model would like."""

    model: str
    tokens: int


def run_round(
    client: Client,
    order: Order,
    prompts: Sequence[str],
    clock: Callable[[], float] = time.perf_counter,
) -> Round:
    """Ask all prompts at once, each on a connection of its own."""
    gate = threading.Barrier(len(prompts) + 1)

    def ask(prompt: str) -> Sample:
        gate.wait()
        return _ask(client, order, prompt, clock)

    with ThreadPoolExecutor(len(prompts)) as threads:
        futures = [threads.submit(ask, prompt) for prompt in prompts]
        gate.wait()
        begun, cpu = clock(), time.process_time()
        samples = tuple(future.result() for future in futures)
        spent, busy = clock() - begun, time.process_time() - cpu
    return Round(samples, busy / spent)


def _ask(client: Client, order: Order, prompt: str, clock: Callable[[], float]) -> Sample:
    body = {
        "model": order.model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": order.tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream_options": {"include_usage": True},
    }
    pieces: list[float] = []
    usage = Usage()
    problem = ""
    begun = clock()
    try:
        for chunk in client.chat(body):
            if chunk.delta.content or chunk.delta.reasoning_content:
                pieces.append(clock())
            usage = chunk.usage or usage
    except LunaError as error:
        problem = str(error)
    if not pieces and not problem:
        problem = "The answer was empty."
    return Sample(begun, tuple(pieces), usage.prompt_tokens, usage.completion_tokens, problem)
