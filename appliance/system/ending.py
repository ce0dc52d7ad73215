"""The end of a program, asked for by a signal or by a thread."""

from __future__ import annotations

import os
import select
import signal
import time
import weakref
from contextlib import suppress
from typing import Self


class Ending:
    """The main thread waits for it; any thread, or a signal's handler, may ask for it.

    No threading.Event does: a handler runs in the main thread and would meet a lock that the thread
    holds while it begins to wait. Nor does any lock: a signal that comes just before the thread
    sleeps does not wake it. So it waits for a pipe (pipe(7)), which Python writes to within the
    signal itself.
    """

    def __init__(self) -> None:
        self._asked = False
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for end in (self._reader, self._writer):
            weakref.finalize(self, os.close, end)

    @classmethod
    def on(cls, *signs: signal.Signals) -> Self:
        """What these signals ask for until the program is over; to be called in its main thread."""
        ending = cls()
        signal.set_wakeup_fd(ending._writer, warn_on_full_buffer=False)
        for sign in signs:
            signal.signal(sign, lambda *_: ending.set())
        return ending

    def set(self) -> None:
        """Ask for the end."""
        self._asked = True
        with suppress(BlockingIOError):  # so full that it cannot be overlooked
            os.write(self._writer, b"\0")

    def is_set(self) -> bool:
        """Whether somebody has asked."""
        return self._asked

    def wait(self, seconds: float | None = None) -> bool:
        """Return when somebody asks, or after some time; whether somebody has asked."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._asked:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._reader], [], [], left)[0]:
                break
            os.read(self._reader, 4096)  # another signal, perhaps
        return self._asked
