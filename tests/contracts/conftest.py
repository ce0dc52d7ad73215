"""One server with the tiny model for the whole folder, and the official client pointed at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.contracts.asking import connect
from tests.helpers import random_model
from tests.helpers.server import RunningLuna

# All tests of a run are one client, who asks much.
PATIENT = "[rate]\ngenerate = 0\nstatus = 0\nbrowser = 0\nlog = 0\n"
# Some 200 tokens a second: what it begins is still at work when the next request comes.
SLOW = random_model.Shape(
    layers=8, dim=512, heads=8, kv_heads=4, feed_forward=2048, vocabulary=4096, context=4096
)


@pytest.fixture(scope="session")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    with RunningLuna(tmp_path_factory.mktemp("luna"), settings=PATIENT) as running:
        running.wait_loaded()
        yield running


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slow") / "slow.gguf"
    return random_model.write(path, SLOW, "f16")


@pytest.fixture(scope="module")
def client(luna: RunningLuna) -> Iterator[OpenAI]:
    with connect(luna) as connected:
        yield connected
