"""The simulator's libraries, opened once for all tests of this folder."""

from __future__ import annotations

import pytest

from appliance.engines.rkllm.library import Library, open_library
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
