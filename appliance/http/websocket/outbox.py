"""What waits to be sent to one client."""

from __future__ import annotations

from collections import deque


class Outbox:
    """A queue of frames of up to `most` bytes, or of one longer frame; not for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: deque[bytes] = deque()
        self.held = 0
        """Bytes in the queue."""

    def __bool__(self) -> bool:
        return bool(self._frames)

    def put(self, frame: bytes) -> bool:
        """Append a frame; False if there is no room."""
        if self.held and self.held + len(frame) > self._most:
            return False
        self._frames.append(frame)
        self.held += len(frame)
        return True

    def take(self, size: int) -> list[bytes]:
        """The next frames, up to the one with which they have `size` bytes."""
        frames: list[bytes] = []
        while self._frames and size > 0:
            frames.append(self._frames.popleft())
            self.held -= len(frames[-1])
            size -= len(frames[-1])
        return frames

    def clear(self) -> None:
        """Throw everything away."""
        self._frames.clear()
        self.held = 0
