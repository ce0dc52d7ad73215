"""The setup network: started on a good channel, and stopped until the radio is free."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from provisioning import radios
from provisioning.attempt import Patience, watch
from provisioning.means import Means
from provisioning.nm import device, manager, profile, settings, snapshot
from provisioning.nm.link import Gone
from provisioning.nm.manager import Persist
from provisioning.nm.names import DeviceState
from provisioning.payloads import SETUP_UUID, setup_network
from provisioning.scan import scan

# The three that do not overlap, and that every country allows.
_CHANNELS: Final = {1: 2412, 6: 2437, 11: 2462}
_WIDTH: Final = 25  # MHz within which 2.4 GHz channels disturb each other
_5GHZ_CHANNEL: Final = 36  # without radar detection everywhere
_FREE_SECONDS: Final = 10.0
_GLANCE: Final = 0.1
_FRESH: Final = 60.0  # seconds; after a join that failed the air was looked at just now
_START: Final = Patience(associate=30.0, address=30.0)
_log = logging.getLogger(__name__)


async def start(means: Means, *, without_passphrase: bool) -> bool:
    """Whether the setup network is up. Raises NetworkManagerError or BusError.

    It ends with this process: it is bound to its connection to the bus, and kept nowhere.
    """
    found = await snapshot.look(means.link)
    if is_up(found):
        return True
    radio = radios.to_host(found)
    if radio is None:
        return False
    await _forget_old(means)
    age = means.survey.age(means.clock.now())
    if not radio.online and (age is None or age > _FRESH):  # online, it hears by itself
        await scan(means, radio.path)
    channel = choose_channel(means.survey.crowd(), only_5ghz=radio.only_5ghz)
    network = replace(means.setup, passphrase="") if without_passphrase else means.setup
    with means.feed.listening() as signals:
        _, active = await manager.add_and_activate(
            means.link,
            setup_network(network, channel),
            radio.path,
            persist=Persist.VOLATILE,
            die_with_us=True,
        )
        paths = (radio.path, active)
        ending = await watch(means.link, means.clock, signals, paths, _START)
    if not ending.up:
        _log.warning("the setup network did not start (reason %s)", ending.reason)
        await _forget_old(means)
    return ending.up


async def stop(means: Means) -> None:
    """Return when the radio of the setup network is free. Does nothing where there is none."""
    found = await snapshot.look(means.link)
    radio = radios.hosting(found)
    for active in found.actives.values():
        if active.uuid == SETUP_UUID:
            try:
                await manager.deactivate(means.link, active.path)
            except Gone:  # it ended by itself
                continue
    if radio is not None:
        await _wait_until_free(means, radio.path)


def is_up(found: snapshot.Snapshot) -> bool:
    """Whether the setup network is there for phones."""
    return any(active.uuid == SETUP_UUID and active.up for active in found.actives.values())


def choose_channel(crowd: Iterable[tuple[int, int]], *, only_5ghz: bool = False) -> int:
    """The calmest channel; `crowd` are frequency and strength of other access points."""
    if only_5ghz:
        return _5GHZ_CHANNEL
    points = tuple(crowd)

    def noise(channel: int) -> int:
        middle = _CHANNELS[channel]
        return sum(strength for mhz, strength in points if abs(mhz - middle) < _WIDTH)

    return min(_CHANNELS, key=noise)


async def _wait_until_free(means: Means, path: str) -> None:
    try:
        async with means.clock.limit(_FREE_SECONDS):
            while (await device.state(means.link, path))[0] > DeviceState.DISCONNECTED:
                await means.clock.sleep(_GLANCE)
    except TimeoutError:
        _log.warning("the radio is still busy with the setup network")


async def _forget_old(means: Means) -> None:
    """Remove what an earlier process, or an attempt that failed, has left."""
    for old in await settings.profiles(means.link):
        if old.uuid == SETUP_UUID:
            try:
                await profile.delete(means.link, old.path)
            except Gone:
                continue
