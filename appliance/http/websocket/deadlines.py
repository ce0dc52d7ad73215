"""How long, and how much, one client may: pure, times are seconds of the caller's clock."""

from __future__ import annotations

from appliance.http.websocket.limits import SocketLimits

Fault = tuple[int, str]
"""A close code and its reason."""

_WINDOW = 10.0  # seconds over which messages are counted


class Deadlines:
    """Is told what happens, and says when it is enough."""

    def __init__(self, limits: SocketLimits, now: float) -> None:
        self._limits = limits
        self._heard = now
        self._pinged = False
        self._begun: float | None = None  # when an unfinished message began to arrive
        self._window, self._messages = now, 0  # since when how many came
        self._stuck: float | None = None  # since when nothing could be sent
        self._parted: float | None = None

    def heard(self, now: float, messages: int, *, midway: bool) -> None:
        """Bytes came, and with them so many whole messages; `midway` with the begin of another."""
        self._heard, self._pinged = now, False
        if messages or not midway:
            self._begun = None
        if midway and self._begun is None:
            self._begun = now
        if now - self._window >= _WINDOW:
            self._window, self._messages = now, 0
        self._messages += messages

    def sent(self, now: float, *, stuck: bool) -> None:
        """Bytes went out, or at `stuck` none did."""
        if not stuck:
            self._stuck = None
        elif self._stuck is None:
            self._stuck = now

    def parted(self, now: float) -> None:
        """Our side is closed."""
        if self._parted is None:
            self._parted = now

    def is_over(self, now: float) -> bool:
        """Whether the client has had the time to close its side."""
        return self._parted is not None and now - self._parted >= self._limits.close_seconds

    @property
    def flooded(self) -> bool:
        """Whether too many messages came of late."""
        return self._messages > self._limits.messages

    def fault(self, now: float) -> Fault | None:
        """Why the client is to be closed, if it is."""
        limits = self._limits
        if self._stuck is not None and now - self._stuck > limits.queue_seconds:
            return 1008, "Read faster: nothing of what was waiting could be sent."
        if self._begun is not None and now - self._begun > limits.message_seconds:
            return 1008, "Send faster: a message was begun and not ended."
        if now - self._heard > limits.silent_seconds:
            return 1011, "There was no sign of life."
        return None

    def wants_ping(self, now: float) -> bool:
        """Whether to ask for a sign of life now; True once for each silence."""
        if self._pinged or now - self._heard <= self._limits.ping_seconds:
            return False
        self._pinged = True
        return True
