"""org.freedesktop.NetworkManager.Connection.Active: an activation from its begin to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from appliance.system.bus_service import Interface, Property
from provisioning.nm import names
from provisioning.nm.names import ActiveState, DeviceState, Mode, Reason
from tests.bus.fake_nm.activation import passages
from tests.bus.fake_nm.air import Base
from tests.bus.fake_nm.device import FakeRadio
from tests.bus.fake_nm.profiles import FakeProfile

if TYPE_CHECKING:
    from tests.bus.fake_nm.network_manager import FakeNetworkManager


class FakeActive:
    """Runs in a task of its own; `end` stops it wherever it is."""

    def __init__(
        self, daemon: FakeNetworkManager, number: int, profile: FakeProfile, radio: FakeRadio
    ) -> None:
        self._daemon = daemon
        self.path = f"{names.MANAGER}/ActiveConnection/{number}"
        self.profile = profile
        self.radio = radio
        self.state = ActiveState.ACTIVATING
        self._task: asyncio.Task[None] | None = None

    def begin(self, base: Base | None) -> None:
        read = {
            "Connection": ("o", lambda: self.profile.path),
            "Uuid": ("s", lambda: self.profile.uuid),
            "State": ("u", lambda: int(self.state)),
            "Devices": ("ao", lambda: [self.radio.path]),
        }
        properties = tuple(Property(name, *each) for name, each in read.items())
        offered = Interface(names.ACTIVE, (), properties, {"StateChanged": "uu"})
        self._daemon.objects.add(self.path, offered)
        self._task = self._daemon.begin(self._run(base))

    async def _run(self, base: Base | None) -> None:
        sleep = self._daemon.clock.sleep
        for passage in passages(self._daemon, self.profile, base):
            await sleep(passage.seconds)
            if passage.state is DeviceState.FAILED:
                self.radio.expire()
                self.profile.blocked = passage.reason == Reason.NO_SECRETS
                self._fail(passage.reason)
                return
            if passage.state is DeviceState.ACTIVATED:
                self._arrive()
            self.radio.change(passage.state, passage.reason)
        self._tell(ActiveState.ACTIVATED, 1)
        dies_after = self._daemon.faults.host_dies_after
        if self.profile.is_host and dies_after is not None:
            await sleep(dies_after)
            self._fail(Reason.SUPPLICANT_FAILED)

    def _arrive(self) -> None:
        if self.profile.is_host:
            self.radio.become_host(self.profile.ssid)
        else:
            self.radio.gateway, self.radio.address = "192.168.7.1", "192.168.7.42"
            self.profile.settings["connection"]["timestamp"] = int(self._daemon.clock.now())

    def _fail(self, reason: int) -> None:
        self.radio.change(DeviceState.FAILED, reason)
        self._task = None
        self.end(0, Reason.NONE)

    def end(self, active_reason: int, device_reason: int) -> None:
        """Over, for whatever reason; the radio is free."""
        if self._task is not None:
            self._task.cancel()
        was_up = self.state is ActiveState.ACTIVATED
        if was_up and self.radio.mode != Mode.ACCESS_POINT:
            self.radio.change(DeviceState.DEACTIVATING, device_reason)
        self.radio.become_station()
        self.radio.active = None
        self._tell(ActiveState.DEACTIVATED, active_reason or 3)
        self.radio.change(DeviceState.DISCONNECTED, device_reason)
        self._daemon.forget(self)

    def _tell(self, state: ActiveState, reason: int) -> None:
        self.state = state
        objects = self._daemon.objects
        objects.changed(self.path, names.ACTIVE, "State")
        objects.signal(self.path, names.ACTIVE, "StateChanged", int(state), reason)
