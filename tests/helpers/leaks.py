"""A pytest plugin: a test module that leaves a thread or a socket behind fails.

What a fixture of the scope "session" opens may stay; everything else has to be gone, at the
latest a few seconds after the module's last test.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

PATIENCE_S = 5.0
DESCRIPTORS = Path("/proc/self/fd")


def threads() -> frozenset[str]:
    """Name and number of every live thread."""
    return frozenset(f"thread {t.name!r} ({t.ident})" for t in threading.enumerate())


def sockets() -> frozenset[str]:
    """Descriptor and inode of every open socket; empty where there is no /proc."""
    found = set()
    for link in DESCRIPTORS.glob("*"):
        try:
            target = link.readlink()
        except FileNotFoundError:  # closed since it was listed
            continue
        if target.name.startswith("socket:"):
            found.add(f"{target.name} (descriptor {link.name})")
    return frozenset(found)


def held() -> frozenset[str]:
    """Everything that could leak."""
    return threads() | sockets()


# What fixtures of the whole session hold.
KEEPSAKES = pytest.StashKey[set[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing held."""
    config.stash[KEEPSAKES] = set()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note what a session's fixture opens."""
    if fixturedef.scope != "session":
        return (yield)
    before = held()
    result = yield
    request.config.stash[KEEPSAKES].update(held() - before)
    return result


@pytest.fixture(scope="module", autouse=True)
def _nothing_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    before = held()
    yield
    keepsakes = request.config.stash[KEEPSAKES]
    leaked = wait_for_none(before | keepsakes, PATIENCE_S)
    if leaked:
        pytest.fail(f"left open, close or join it in the test or fixture: {', '.join(leaked)}")


def wait_for_none(allowed: frozenset[str], seconds: float) -> list[str]:
    """What is held besides `allowed`, given up to `seconds` to go away."""
    deadline = time.monotonic() + seconds
    while leaked := sorted(held() - allowed):
        gc.collect()
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return leaked
