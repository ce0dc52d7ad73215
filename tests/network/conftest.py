"""What the tests on networks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.network.lab import Host, Lab, lab
from tests.network.talk import Talk

LUNA, HTTP = "_luna._tcp.local.", "_http._tcp.local."


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as found:
        yield found


@pytest.fixture
def watch() -> Callable[..., Talk]:
    """Start a browser on a host."""

    def start(host: Host, *types: str) -> Talk:
        talk = Talk(host.python("-m", "tests.network.watch", *(types or (LUNA,))))
        talk.until(lambda event: event["event"] == "watching", "the browser")
        return talk

    return start
