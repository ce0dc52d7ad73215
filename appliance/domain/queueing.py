"""Who is served next: each client in turn, and each client's requests in order."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """A bounded queue that takes turns between clients, so that a busy one delays only itself."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lines: OrderedDict[str, deque[Item]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, client: str, item: Item) -> bool:
        """Queue `item` behind the client's others; False if the queue is full."""
        if self._size >= self._capacity:
            return False
        self._lines.setdefault(client, deque()).append(item)
        self._size += 1
        return True

    def pop(self) -> Item | None:
        """The next item, or None; its client then goes to the end of the line."""
        if not self._lines:
            return None
        client, line = self._lines.popitem(last=False)
        item = line.popleft()
        self._size -= 1
        if line:
            self._lines[client] = line
        return item

    def remove(self, client: str, item: Item) -> bool:
        """Take `item` out; False if it was no longer there."""
        line = self._lines.get(client)
        if line is None or item not in line:
            return False
        line.remove(item)
        self._size -= 1
        if not line:
            del self._lines[client]
        return True

    def position(self, client: str, item: Item) -> int:
        """How many items are served before `item`; it must be in the queue."""
        ahead = list(self._lines[client]).index(item)
        order = list(self._lines)
        turn = order.index(client)
        before = sum(min(len(self._lines[name]), ahead + 1) for name in order[:turn])
        after = sum(min(len(self._lines[name]), ahead) for name in order[turn + 1 :])
        return ahead + before + after
