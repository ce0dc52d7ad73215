"""org.freedesktop.NetworkManager.Checkpoint, as far as its manager's methods go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.system.bus import Call, CallFailed
from provisioning.nm import names
from tests.bus.fake_nm.device import FakeRadio
from tests.bus.fake_nm.profiles import FakeProfile

if TYPE_CHECKING:
    from tests.bus.fake_nm.network_manager import FakeNetworkManager


@dataclass
class Remembered:
    """What a radio did, and which profiles there were."""

    radio: FakeRadio
    profile: FakeProfile | None
    profiles: set[str]


class FakeCheckpoints:
    """At most one for a device."""

    def __init__(self, daemon: FakeNetworkManager) -> None:
        self._daemon = daemon
        self._count = 0
        self.there: dict[str, Remembered] = {}

    async def create(self, call: Call) -> tuple[Any, ...]:
        self._daemon.require("checkpoint-rollback")
        (device,), seconds, _ = call.body
        if any(each.radio.path == device for each in self.there.values()):
            raise CallFailed(f"{names.SERVICE}.InvalidArguments", "a checkpoint already exists")
        radio = next(each for each in self._daemon.radios if each.path == device)
        used = radio.active.profile if radio.active else None
        self._count += 1
        path = f"{names.MANAGER}/Checkpoint/{self._count}"
        self.there[path] = Remembered(radio, used, set(self._daemon.settings.profiles))
        self._daemon.begin(self._expire(path, seconds))
        return (path,)

    async def destroy(self, call: Call) -> tuple[Any, ...]:
        self._take(call.body[0])
        return ()

    async def rollback(self, call: Call) -> tuple[Any, ...]:
        remembered = self._take(call.body[0])
        self._go_back(remembered)
        return ({remembered.radio.path: 0},)

    def _take(self, path: str) -> Remembered:
        if path not in self.there:
            raise CallFailed(f"{names.SERVICE}.InvalidArguments", f"{path} does not exist")
        return self.there.pop(path)

    def _go_back(self, remembered: Remembered) -> None:
        settings = self._daemon.settings
        for profile in tuple(settings.profiles.values()):
            if profile.path not in remembered.profiles:
                self._daemon.stop_using(profile)
                settings.remove(profile)
        if remembered.profile is not None and remembered.profile.path in settings.profiles:
            self._daemon.activate(remembered.profile, remembered.radio)

    async def _expire(self, path: str, seconds: int) -> None:
        await self._daemon.clock.sleep(seconds)
        if path in self.there:
            self._go_back(self._take(path))
