"""One activation, watched to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from appliance.system.bus import Signal
from provisioning.clock import Clock
from provisioning.nm import active, device
from provisioning.nm.link import Gone, Link
from provisioning.nm.names import ACTIVE, DEVICE, ActiveState, DeviceState, Reason

_GLANCE: Final = 1.0

# NMActiveConnectionStateReason, where the device gave no reason of its own.
_REASONS: Final = {
    2: Reason.USER_REQUESTED,
    5: Reason.IP_CONFIG_UNAVAILABLE,
    6: Reason.SUPPLICANT_TIMEOUT,
    9: Reason.NO_SECRETS,
    10: Reason.NO_SECRETS,
    14: Reason.REMOVED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended; `asked_again` says that the secret was refused on the way.

    `reason` is None where the patience ended first; `addressing` says that only the address was
    still missing.
    """

    up: bool
    reason: int | None = None
    asked_again: bool = False
    addressing: bool = False

    @property
    def thrown_out(self) -> bool:
        """It was let in, so the secret is right, and lost the connection before it had an address.

        NetworkManager asks for another secret then, as it does for a wrong one.
        """
        return self.addressing and self.reason in (Reason.NO_SECRETS, Reason.SUPPLICANT_DISCONNECT)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until the access point has let the box in, and until it has an address."""

    associate: float = 32.0  # NetworkManager gives up after 25
    address: float = 40.0  # and here after 45; a router that is well answers within 10


async def watch(
    link: Link,
    clock: Clock,
    signals: asyncio.Queue[Signal],
    paths: tuple[str, str],
    patience: Patience,
) -> Ending:
    """Follow the activation with `paths` of the device and of the active connection.

    `signals` has to listen since before it began. State is read as well: a signal may have come
    before there was a path to compare it with, or never.
    """
    watcher = _Watcher(*paths)
    deadline = clock.now() + patience.associate
    addressing = False
    while True:
        states = await _active_state(link, paths[1]), (await device.state(link, paths[0]))[0]
        while not signals.empty():  # they say more than the states, and came before them
            watcher.hear(signals.get_nowait())
        watcher.look(*states)
        if watcher.ending is not None:
            return watcher.ending
        if watcher.addressing and not addressing:
            addressing, deadline = True, clock.now() + patience.address
        if clock.now() >= deadline:
            return Ending(False, None, watcher.asked_again, addressing)
        try:
            async with clock.limit(min(_GLANCE, max(deadline - clock.now(), 0.0))):
                watcher.hear(await signals.get())
        except TimeoutError:
            continue


async def _active_state(link: Link, path: str) -> int:
    try:
        return await active.state(link, path)
    except Gone:
        return ActiveState.DEACTIVATED


class _Watcher:
    """Puts the signals of a device and of an active connection together."""

    def __init__(self, device_path: str, active_path: str) -> None:
        self._device = device_path
        self._active = active_path
        self._reason: int | None = None
        self.asked_again = False
        self.addressing = False
        self.ending: Ending | None = None

    def hear(self, signal: Signal) -> None:
        if signal.member != "StateChanged" or self.ending is not None:
            return
        if (signal.path, signal.interface) == (self._active, ACTIVE):
            self._judge(*signal.body)
        elif (signal.path, signal.interface) == (self._device, DEVICE):
            state, _, reason = signal.body
            self._note(state)
            if state == DeviceState.FAILED:
                self._reason = reason
            elif state == DeviceState.NEED_AUTH and reason == Reason.SUPPLICANT_DISCONNECT:
                self.asked_again = True

    def look(self, active_state: int, device_state: int) -> None:
        """The same from what was read."""
        if self.ending is not None:
            return
        self._note(device_state)
        self._judge(active_state, 0)

    def _note(self, device_state: int) -> None:
        in_progress = DeviceState.IP_CONFIG <= device_state < DeviceState.ACTIVATED
        self.addressing = self.addressing or in_progress

    def _judge(self, state: int, active_reason: int) -> None:
        if state == ActiveState.ACTIVATED:
            self.ending = Ending(True)
        elif state == ActiveState.DEACTIVATED:
            told = self._reason
            reason = _REASONS.get(active_reason, Reason.UNKNOWN) if told is None else told
            self.ending = Ending(False, reason, self.asked_again, self.addressing)
