"""What the gadget does about commands, whoever carries them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.errors import LunaError
from provisioning.credentials import Credentials, Security
from provisioning.improv import protocol
from provisioning.improv.protocol import (
    Assembler,
    BadPacket,
    Capability,
    Command,
    Packet,
    Problem,
    State,
)
from provisioning.results import Result
from provisioning.service import Service

CAPABILITIES: Final = Capability.DEVICE_INFO | Capability.SCAN
# Improv has no way to send a user name; it names what it can.
_PROTECTIONS: Final = {
    Security.OPEN: "NO",
    Security.OWE: "NO",
    Security.PSK: "WPA2",
    Security.TRANSITION: "WPA2",
    Security.SAE: "WPA3",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Info:
    """Who this is: firmware and its version, hardware, and the device's name."""

    firmware: str
    version: str
    hardware: str
    name: str


class Session:
    """Its values are those of the characteristics; `tell` is called when one has changed."""

    def __init__(self, service: Service, info: Info, tell: Callable[[], None]) -> None:
        self._service = service
        self._info = info
        self._tell = tell
        self._assembler = Assembler()
        self._changed = asyncio.Event()
        self._joining: asyncio.Task[None] | None = None
        self.state = State.AUTHORIZED
        self.problem = Problem.NONE
        self.result = b""
        service.on_change(self._changed.set)

    def renew(self) -> None:
        """Begin again: a new client, nothing provisioned yet."""
        self._assembler.forget()
        self._become(State.AUTHORIZED)
        self._report(Problem.NONE)

    def close(self) -> None:
        """Nobody waits for a result any more."""
        if self._joining is not None:
            self._joining.cancel()

    def write(self, part: bytes) -> None:
        """Take a part of a command, and begin with it when it is complete; the outcome is told."""
        try:
            packet = self._assembler.take(part)
            if packet is not None:
                self._report(Problem.NONE)
                self._do(packet)
        except BadPacket as error:
            _log.info("%s", error)
            self._report(Problem.INVALID_PACKET)

    def _do(self, packet: Packet) -> None:
        if packet.command == Command.WIFI_SETTINGS:
            self._provision(*protocol.wifi_settings(packet.data))
        elif packet.command == Command.DEVICE_INFO:
            told = (self._info.firmware, self._info.version, self._info.hardware, self._info.name)
            self._answer(protocol.result(Command.DEVICE_INFO, told))
        elif packet.command == Command.SCAN:
            self._answer(protocol.networks(self._networks()))
        else:
            self._report(Problem.UNKNOWN_COMMAND)

    def _provision(self, ssid: bytes, password: bytes) -> None:
        if self.state is not State.AUTHORIZED:
            self._report(Problem.NOT_AUTHORIZED)
            return
        heard = {each.ssid for each in self._service.means.survey.networks()}
        try:
            number = self._service.join(Credentials(ssid, password, hidden=ssid not in heard))
        except LunaError as error:
            _log.warning("what was sent by Bluetooth cannot be tried: %s", error)
            self._report(Problem.UNABLE_TO_CONNECT)
            return
        self._become(State.PROVISIONING)
        self._joining = asyncio.get_running_loop().create_task(self._tell_result(number))

    async def _tell_result(self, number: int) -> None:
        ended = await self._result(number)
        if not ended.good:
            self._become(State.AUTHORIZED)
            self._report(Problem.UNABLE_TO_CONNECT)
            return
        self._become(State.PROVISIONED)
        addresses = (each.partition("/")[0] for each in ended.addresses if "." in each)
        urls = [f"http://{each}/" for each in addresses]
        self._answer(protocol.result(Command.WIFI_SETTINGS, urls[:1]))

    async def _result(self, number: int) -> Result:
        while True:
            self._changed.clear()
            attempt = self._service.attempt
            if attempt is not None and attempt.number >= number:
                return attempt.result
            await self._changed.wait()

    def _networks(self) -> Iterator[tuple[str, int, str]]:
        """Those that a client can name and Improv can join, the best first, each once."""
        told: set[str] = set()
        for each in self._service.means.survey.networks():
            try:
                name = each.ssid.decode("utf-8")
            except UnicodeDecodeError:
                continue
            if each.security in _PROTECTIONS and name not in told:
                told.add(name)
                yield name, each.strength // 2 - 100, _PROTECTIONS[each.security]

    def _become(self, state: State) -> None:
        self.state = state
        self._tell()

    def _report(self, problem: Problem) -> None:
        self.problem = problem
        self._tell()

    def _answer(self, packet: bytes) -> None:
        self.result = packet
        self._tell()
