from __future__ import annotations

import pytest

from appliance.errors import LunaError, Unauthorized
from appliance.http.websocket.guarded import EVERY, Guarded
from appliance.http.websocket.handler import Socket
from tests.helpers.sockets import Kept


class Visit:
    """A client, whether it may be there, and what its handler hears."""

    def __init__(self) -> None:
        self.refusal: LunaError | None = None
        self.asked = self.closed = 0
        self.now = 100.0
        self.heard: list[str] = []
        self.outside = Kept()
        self.guarded = Guarded(self, self._again, lambda: self.now)
        self.guarded.on_open(self.outside)

    def _again(self) -> None:
        self.asked += 1
        if self.refusal:
            raise self.refusal

    def on_open(self, socket: Socket) -> None:
        self.inside = socket

    def on_text(self, text: str) -> None:
        self.heard.append(text)

    def on_close(self) -> None:
        self.closed += 1


@pytest.fixture
def visit() -> Visit:
    return Visit()


def test_who_may_be_there_is_served_and_seldom_looked_at(visit: Visit) -> None:
    for _ in range(10):
        visit.guarded.on_text("a")
        visit.inside.send("b")
    assert visit.asked == 0
    visit.now += EVERY
    for _ in range(10):
        visit.guarded.on_text("a")
        visit.inside.send("b")
    assert visit.asked == 1
    assert (visit.heard, visit.outside.texts) == (20 * ["a"], 20 * ["b"])
    visit.guarded.on_close()
    assert visit.closed == 1


@pytest.mark.parametrize("direction", ["in", "out"])
def test_who_may_no_longer_is_sent_away(visit: Visit, direction: str) -> None:
    visit.refusal = Unauthorized("This API key was revoked.")
    visit.now += EVERY
    for _ in range(3):
        if direction == "in":
            visit.guarded.on_text("a")
        visit.inside.send("b")
    assert (visit.heard, visit.outside.texts) == ([], [])
    assert visit.outside.code == 1008
    assert visit.asked == 1


def test_a_handler_may_close(visit: Visit) -> None:
    visit.inside.close(1001, "bye")
    assert visit.outside.code == 1001
