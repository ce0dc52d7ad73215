from __future__ import annotations

from collections import deque

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance.domain.queueing import FairQueue

CLIENTS = "xyz"


class FairQueueModel(RuleBasedStateMachine):
    """Round robin by the book: lines of clients, in the order in which their turn comes."""

    @initialize(capacity=st.integers(1, 8))
    def begin(self, capacity: int) -> None:
        self.capacity = capacity
        self.queue: FairQueue[int] = FairQueue(capacity)
        self.lines: dict[str, list[int]] = {client: [] for client in CLIENTS}
        self.turns: deque[str] = deque()
        self.next = 0
        self.served: list[str] = []

    @rule(client=st.sampled_from(CLIENTS))
    def push(self, client: str) -> None:
        full = sum(map(len, self.lines.values())) == self.capacity
        assert self.queue.push(client, self.next) is not full
        if not full:
            if not self.lines[client]:
                self.turns.append(client)
            self.lines[client].append(self.next)
        self.next += 1

    @rule()
    def pop(self) -> None:
        waiting = {client for client in CLIENTS if self.lines[client]}
        item = self.queue.pop()
        if not self.turns:
            assert item is None
            return
        client = self.turns.popleft()
        assert item == self.lines[client].pop(0)
        if self.lines[client]:
            self.turns.append(client)
        self.served.append(client)
        for other in waiting - {client}:
            self.since[other] = self.since.get(other, 0) + 1
            # Whoever waits is passed by each other client once at most.
            assert self.since[other] < len(CLIENTS)
        self.since[client] = 0

    @initialize()
    def nobody_was_passed(self) -> None:
        self.since: dict[str, int] = {}

    @precondition(lambda self: any(self.lines.values()))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        every = [(client, item) for client, line in self.lines.items() for item in line]
        client, item = data.draw(st.sampled_from(every))
        assert self.queue.remove(client, item)
        self.lines[client].remove(item)
        if not self.lines[client]:
            self.turns.remove(client)
            self.since[client] = 0

    @rule(client=st.sampled_from(CLIENTS))
    def remove_what_is_not_there(self, client: str) -> None:
        assert not self.queue.remove(client, self.next)

    @invariant()
    def it_is_as_long_as_its_lines(self) -> None:
        assert len(self.queue) == sum(map(len, self.lines.values())) <= self.capacity

    @invariant()
    def a_position_is_the_number_of_pops_before(self) -> None:
        lines = {client: deque(line) for client, line in self.lines.items()}
        turns = deque(self.turns)
        popped = 0
        while turns:
            client = turns.popleft()
            item = lines[client].popleft()
            assert self.queue.position(client, item) == popped
            popped += 1
            if lines[client]:
                turns.append(client)


TestFairQueue = FairQueueModel.TestCase


def test_a_busy_client_delays_only_itself() -> None:
    queue: FairQueue[str] = FairQueue(10)
    for item in ("a1", "a2", "a3"):
        assert queue.push("a", item)
    assert queue.push("b", "b1")
    assert queue.position("b", "b1") == 1
    assert [queue.pop() for _ in range(5)] == ["a1", "b1", "a2", "a3", None]
