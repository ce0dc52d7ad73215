"""Joining one network: nothing that works is given up before the new network does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from appliance.system.bus import BusError
from provisioning import hotspot, radios
from provisioning.attempt import Ending, Patience, watch
from provisioning.credentials import Credentials, Security
from provisioning.means import Means
from provisioning.nm import checkpoint, manager, profile, settings, snapshot
from provisioning.nm.access_point import AccessPoint
from provisioning.nm.link import Forbidden, Gone, NetworkManagerError
from provisioning.nm.manager import Persist
from provisioning.nm.names import NOTHING, Reason
from provisioning.nm.wireless import Radio
from provisioning.payloads import station
from provisioning.results import Outcome, Result, result
from provisioning.scan import scan
from provisioning.verdicts import judge, mismatch

# A scan listens on each channel for a moment only: busy or far access points are missed by some.
_SCANS: Final = 3
_SEARCH_SECONDS: Final = 20.0
_PAUSE: Final = 1.0
_NORMAL: Final = Patience()
# A good join takes a few seconds; what WPA3 cannot do in this time is left to WPA2, which
# NetworkManager 1.52 does not do: it tries WPA3 again.
_SHORT: Final = Patience(associate=12.0)
# A wrong password for WPA3 is tried again and again, with no word about it until 1.58.
_WPA3: Final = Patience(associate=20.0)
_HOPELESS: Final = frozenset({Reason.REMOVED, Reason.USER_REQUESTED, Reason.NEW_ACTIVATION})
_CHECKPOINT_SECONDS: Final = 120
_BACK_SECONDS: Final = 20.0
_log = logging.getLogger(__name__)


async def join(means: Means, credentials: Credentials) -> Result:
    """Join, or leave everything as it was; never raises but when it is cancelled."""
    try:
        radio = radios.to_join(await snapshot.look(means.link))
        if radio is None:
            return result(credentials.ssid, Outcome.UNAVAILABLE)
        return await _Join(means, credentials, radio).run()
    except (Gone, Forbidden, BusError) as error:
        _log.warning("the join could not be carried out: %s", error)
        return result(credentials.ssid, Outcome.UNAVAILABLE, str(error))
    except NetworkManagerError as error:
        _log.warning("the join was refused: %s", error)
        return result(credentials.ssid, Outcome.REFUSED, str(error))


class _Join:
    """One join by one radio."""

    def __init__(self, means: Means, credentials: Credentials, radio: Radio) -> None:
        self._means = means
        self._link = means.link
        self._wanted = credentials
        self._radio = radio
        self._profile: str | None = None  # ours, not yet known to work
        self._checkpoint: str | None = None

    async def run(self) -> Result:
        host = radios.hosting(await snapshot.look(self._link))
        if host is not None and host.path == self._radio.path:
            await hotspot.stop(self._means)
        points = await self._find()
        fitting = [point for point in points if point.security in self._wanted.fits]
        if fitting:
            best = max(fitting, key=lambda point: point.strength)
            return await self._carry_out(best.path, best.security)
        if points:
            return mismatch(self._wanted, {point.security for point in points})
        if self._wanted.hidden:
            return await self._carry_out(NOTHING, self._wanted.likely_security)
        return result(self._wanted.ssid, Outcome.NOT_IN_RANGE)

    async def _find(self) -> Sequence[AccessPoint]:
        """Access points of the network; NetworkManager's list is empty after the setup network."""
        called = (self._wanted.ssid,) if self._wanted.hidden else ()
        clock, scans = self._means.clock, 0
        until = clock.now() + _SEARCH_SECONDS
        while scans < _SCANS or clock.now() < until:
            if scans:
                await clock.sleep(_PAUSE)
            scans += 1
            found = await scan(self._means, self._radio.path, called)
            radio = found.radio(self._radio.path)
            if radio is None:
                raise Gone("The radio was unplugged.")
            points = [p for p in found.heard_by(radio) if p.ssid == self._wanted.ssid]
            if points := [point for point in points if point.joinable]:
                return points
        return ()

    async def _carry_out(self, point: str, security: Security) -> Result:
        try:
            if self._radio.online:
                self._checkpoint = await self._remember()
            ending = await self._activate(point, security)
            if ending.thrown_out:  # some routers do, once
                await self._drop_profile()
                ending = await self._activate(point, security)
            if not ending.up:
                return self._judge(security, ending, heard=await self._is_heard())
            return await self._keep()
        finally:
            await self._clean_up()

    async def _activate(self, point: str, security: Security) -> Ending:
        if security is not Security.TRANSITION:
            patience = _WPA3 if security is Security.SAE else _NORMAL
            return await self._try(point, security, patience)
        if Security.SAE in self._wanted.fits:
            ending = await self._try(point, security, _SHORT)
            if ending.up or ending.addressing or ending.reason in _HOPELESS:
                return ending
            _log.info("WPA2 and WPA3 together failed (%s): WPA2 alone is tried", ending.reason)
            await self._drop_profile()
        return await self._try(point, security, _SHORT, plain_wpa2=True)

    def _judge(self, security: Security, ending: Ending, *, heard: bool) -> Result:
        told = judge(self._wanted.ssid, security, ending, heard=heard)
        never_refused = told.outcome is Outcome.WRONG_PASSWORD and not ending.asked_again
        if never_refused and security.takes_passphrase and Security.SAE not in self._wanted.fits:
            # NetworkManager 1.52 insists on WPA3 where there is both, for which a key is no use.
            return mismatch(self._wanted, {Security.SAE})
        return told

    async def _try(
        self, point: str, security: Security, patience: Patience, *, plain_wpa2: bool = False
    ) -> Ending:
        payload = station(self._wanted, security, plain_wpa2=plain_wpa2)
        with self._means.feed.listening() as signals:
            self._profile, active = await manager.add_and_activate(
                self._link, payload, self._radio.path, point, persist=Persist.MEMORY
            )
            paths = (self._radio.path, active)
            return await watch(self._link, self._means.clock, signals, paths, patience)

    async def _keep(self) -> Result:
        """It works: save it, and only then forget older ways into the same network."""
        ssid, kept, self._profile = self._wanted.ssid, self._profile or "", None
        message = ""
        try:
            await profile.save(self._link, kept)
            for old in await settings.profiles(self._link):
                if old.ssid == ssid and old.joins and old.path != kept:
                    await profile.delete(self._link, old.path)
        except NetworkManagerError as error:
            _log.warning("the network could not be saved: %s", error)
            message = f"Luna is connected, but could not save the network: {error}"
        if self._checkpoint is not None:
            await checkpoint.destroy(self._link, self._checkpoint)
            self._checkpoint = None
        found = await snapshot.look(self._link)
        return result(ssid, Outcome.CONNECTED, message, found.addresses_of(self._radio.path))

    async def _remember(self) -> str | None:
        try:
            return await checkpoint.create(self._link, self._radio.path, _CHECKPOINT_SECONDS)
        except NetworkManagerError as error:  # another program has one: NetworkManager allows one
            _log.warning("no way back is prepared: %s", error)
            return None

    async def _drop_profile(self) -> None:
        path, self._profile = self._profile, None
        if path is not None:
            try:
                await profile.delete(self._link, path)
            except Gone:
                _log.debug("the profile had gone already")

    async def _clean_up(self) -> None:
        """After a failure, or when it was cancelled: what was before is back."""
        try:
            await self._drop_profile()
            if self._checkpoint is not None:
                await checkpoint.rollback(self._link, self._checkpoint)
                await self._wait_until_back()
        except (NetworkManagerError, BusError) as error:
            _log.warning("not everything could be put back: %s", error)

    async def _wait_until_back(self) -> None:
        try:
            async with self._means.clock.limit(_BACK_SECONDS):
                while not await self._is_online():
                    await self._means.clock.sleep(_PAUSE)
        except TimeoutError:
            _log.warning("the network from before did not come back")

    async def _is_heard(self) -> bool:
        """Whether the network is on the air still; the supplicant has looked for it meanwhile."""
        found = await snapshot.look(self._link)
        radio = found.radio(self._radio.path)
        points = () if radio is None else found.heard_by(radio)
        return any(point.ssid == self._wanted.ssid for point in points)

    async def _is_online(self) -> bool:
        radio = (await snapshot.look(self._link)).radio(self._radio.path)
        return radio is not None and radio.online
