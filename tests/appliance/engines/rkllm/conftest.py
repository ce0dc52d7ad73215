"""The simulator's libraries, opened once for all tests of this folder, and engines on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.engines.rkllm.library import Library, open_library
from appliance.system.processes import Spawner
from tests.appliance.engines.rkllm.workshop import Workshop
from tests.rkllm_sim import build


@pytest.fixture(params=["1.2.3", "1.3.0"], scope="session")
def library(request: pytest.FixtureRequest) -> Library:
    return open_library(build.library(request.param))


@pytest.fixture(scope="session")
def old() -> Library:
    return open_library(build.library("1.2.3"))


@pytest.fixture(scope="session")
def new() -> Library:
    return open_library(build.library("1.3.0"))


@pytest.fixture(scope="module")
def spawner() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()


@pytest.fixture(params=["1.2.3", "1.3.0"])
def workshop(
    request: pytest.FixtureRequest, tmp_path: Path, spawner: Spawner
) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path, spawner, request.param)
    yield workshop
    workshop.close()


@pytest.fixture
def newest(tmp_path: Path, spawner: Spawner) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path, spawner, "1.3.0")
    yield workshop
    workshop.close()
