"""A kernel with radios is imitated byte by byte (linux/genetlink.h, linux/nl80211.h); without any,
that their absence is said and nothing is left open.
"""

from __future__ import annotations

import errno
import gc
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from pyroute2 import AsyncIW
from pytest_mock import MockerFixture

from appliance.system import nl80211
from appliance.system.nl80211 import WifiUnavailable, count_stations, set_country

NO_WIFI = pytest.mark.skipif(
    Path("/sys/class/ieee80211").exists(), reason="this machine has radios: leave them alone"
)

CONTROL, ERROR, DONE, FAMILY = 0x10, 2, 3, 0x1C
GET_FAMILY, NEW_FAMILY, GET_STATION, NEW_STATION, SET_COUNTRY = 3, 1, 17, 19, 27
FAMILY_ID, FAMILY_NAME, INTERFACE, MAC, STATION, COUNTRY = 1, 2, 3, 6, 21, 33
REQUEST, MULTI, ACKNOWLEDGE, DUMP = 0x1, 0x2, 0x4, 0x300


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def generic(command: int, *attributes: bytes) -> bytes:
    return struct.pack("=BBxx", command, 1) + b"".join(attributes)


def station(number: int) -> bytes:
    signal = attribute(7, struct.pack("=b", -51)) + attribute(99, b"what newer kernels add")
    own = attribute(INTERFACE, struct.pack("=I", 1)), attribute(MAC, bytes([2, 0, 0, 0, 0, number]))
    return generic(NEW_STATION, *own, attribute(STATION, signal))


class Wire(socket.socket):
    """One end of a pair of sockets that passes for one of netlink."""

    def bind(self, address: object) -> None:
        """It has no address."""

    def sendto(self, data: bytes, *_: object) -> int:  # type: ignore[override]
        return self.send(data)


class Kernel:
    """Tells the number of nl80211; remembers what that is asked: flags, command, attributes."""

    def __init__(self, wire: socket.socket, *stations: bytes, refusal: int = 0) -> None:
        self.asked: list[tuple[int, int, bytes]] = []
        self._wire, self._stations, self._refusal = wire, stations, refusal

    def serve(self) -> None:
        while data := self._wire.recv(65536):
            _, kind, flags, sequence, _ = struct.unpack_from("=IHHII", data)
            if kind == FAMILY:
                self.asked.append((flags, data[16], data[20:]))
            if answer := self._answer(kind, flags, sequence, data):
                self._wire.send(answer)

    def _answer(self, kind: int, flags: int, sequence: int, data: bytes) -> bytes:
        if kind == CONTROL:
            named = attribute(FAMILY_NAME, b"nl80211\0"), attribute(FAMILY_ID, b"\x1c\0")
            return message(CONTROL, 0, sequence, generic(NEW_FAMILY, *named))
        if flags & DUMP == DUMP and not self._refusal:
            told = [message(FAMILY, MULTI, sequence, each) for each in self._stations]
            return b"".join([*told, message(DONE, MULTI, sequence, bytes(4))])
        return message(ERROR, 0, sequence, struct.pack("=i", -self._refusal) + data)


@contextmanager
def radios(mocker: MockerFixture, *stations: bytes, refusal: int = 0) -> Iterator[Kernel]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire = Wire(fileno=ours.detach())
    mocker.patch.object(nl80211, "AsyncIW", partial(AsyncIW, use_socket=wire))
    kernel = Kernel(theirs, *stations, refusal=refusal)
    serving = threading.Thread(target=kernel.serve)
    serving.start()
    try:
        yield kernel
    finally:
        wire.close()
        theirs.shutdown(socket.SHUT_RD)
        serving.join()
        theirs.close()


def test_a_country_is_told(mocker: MockerFixture) -> None:
    with radios(mocker) as kernel:
        set_country("DE")
    told = attribute(COUNTRY, b"DE\0")
    assert kernel.asked == [(REQUEST | ACKNOWLEDGE, SET_COUNTRY, told)]


def test_a_country_that_is_refused_is_an_error(mocker: MockerFixture) -> None:
    not_permitted = pytest.raises(WifiUnavailable, match=r"not permitted.*CAP_NET_ADMIN")
    with radios(mocker, refusal=errno.EPERM), not_permitted:
        set_country("DE")


@pytest.mark.parametrize("phones", [0, 1, 3])
def test_phones_are_counted(mocker: MockerFixture, phones: int) -> None:
    with radios(mocker, *map(station, range(phones))) as kernel:
        assert count_stations("lo") == phones
    index = attribute(INTERFACE, struct.pack("=I", socket.if_nametoindex("lo")))
    assert kernel.asked == [(REQUEST | DUMP, GET_STATION, index)]


def test_what_is_no_access_point_has_no_stations(mocker: MockerFixture) -> None:
    not_supported = pytest.raises(WifiUnavailable, match="not supported")
    with radios(mocker, refusal=errno.EOPNOTSUPP), not_supported:
        count_stations("lo")


def test_a_kernel_that_is_silent_is_not_waited_for(mocker: MockerFixture) -> None:
    mocker.patch.object(nl80211, "_SECONDS", 0.05)
    mocker.patch.object(Kernel, "_answer", return_value=b"")
    with radios(mocker), pytest.raises(WifiUnavailable, match="too slow"):
        set_country("DE")


def test_a_process_without_netlink_says_so(mocker: MockerFixture) -> None:
    refusal = OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
    mocker.patch("pyroute2.netns.create_socket", side_effect=refusal)
    with pytest.raises(WifiUnavailable, match="Address family"):
        set_country("DE")


@NO_WIFI
def test_a_kernel_without_wifi_says_so() -> None:
    def ask() -> int:
        with pytest.raises(WifiUnavailable, match=r"No such file.*driver"):
            set_country("DE")
        return len(list(Path("/proc/self/fd").iterdir()))

    before = ask()
    gc.disable()
    try:
        assert [ask() for _ in range(3)] == [before] * 3
    finally:
        gc.enable()


@NO_WIFI
def test_an_interface_without_wifi_has_no_stations() -> None:
    with pytest.raises(WifiUnavailable, match="driver"):
        count_stations("lo")


def test_an_interface_that_is_not_there_is_named() -> None:
    with pytest.raises(WifiUnavailable, match="nothing0"):
        count_stations("nothing0")
