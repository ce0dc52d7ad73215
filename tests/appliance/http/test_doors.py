"""Accepting, and what is done when the machine is out of descriptors."""

from __future__ import annotations

import errno
import logging
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from appliance.http.doors import Doors
from appliance.http.listeners import Listener, bind

LOG = logging.getLogger("tests.http")


@dataclass
class Faulty:
    """A listening socket whose accept fails in the given ways first."""

    real: socket.socket
    failures: list[OSError] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def accept(self) -> object:
        if self.failures:
            raise self.failures.pop(0)
        return self.real.accept()


class House:
    """Doors on an epoll of their own."""

    def __init__(self, listener: Listener) -> None:
        self.faulty = Faulty(listener.socket)
        self.epoll = select.epoll()
        faulty = Listener(cast(socket.socket, self.faulty))
        self.doors = Doors([faulty], self.epoll, LOG)
        self.fd = listener.socket.fileno()
        self.doors.open()

    def answer(self, now: float = 0.0) -> list[str]:
        hosts = []
        for caller in self.doors.callers(self.fd, now):
            hosts.append(caller.host)
            caller.socket.close()
        return hosts

    def rings(self, timeout: float) -> bool:
        return bool(self.epoll.poll(timeout))


@pytest.fixture
def house() -> Iterator[House]:
    [listener] = bind("127.0.0.1", 0)
    house = House(listener)
    yield house
    house.doors.shut()
    house.epoll.close()


def call(house: House) -> socket.socket:
    return socket.create_connection(house.faulty.real.getsockname(), 5)


def test_all_who_wait_come_in(house: House) -> None:
    callers = [call(house) for _ in range(3)]
    assert house.rings(5)
    assert house.answer() == ["127.0.0.1"] * 3
    assert not house.rings(0)
    for caller in callers:
        caller.close()


def test_a_crowd_is_taken_in_turns(house: House) -> None:
    callers = [call(house) for _ in range(70)]
    assert len(house.answer()) == 64
    assert house.rings(5)
    assert len(house.answer()) == 6
    for caller in callers:
        caller.close()


def test_a_failed_connection_does_not_stop_the_next(house: House) -> None:
    house.faulty.failures = [ConnectionAbortedError(), OSError(errno.EPROTO, "protocol")]
    with call(house):
        assert house.answer() == ["127.0.0.1"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_out_of_descriptors_it_pauses(
    house: House, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    house.faulty.failures = [OSError(number, "none left")]
    with call(house):
        assert house.rings(5)
        assert house.answer(now=10.0) == []
        assert "raise the limit of open files" in caplog.text
        house.doors.tick(10.1)
        assert not house.rings(0.05)
        house.doors.tick(11.0)
        assert house.rings(5)
        assert house.answer() == ["127.0.0.1"]


def test_shut_doors_refuse(house: House) -> None:
    address = house.faulty.real.getsockname()
    house.doors.shut()
    assert house.fd not in house.doors
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)


def test_mapped_addresses_are_ipv4() -> None:
    [listener] = bind("", 0)
    house = House(listener)
    port = listener.socket.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), 5):
        assert house.answer() == ["127.0.0.1"]
    house.doors.shut()
    house.epoll.close()


def test_a_unix_peer_has_no_name(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "s"))
    listening.listen()
    house = House(Listener(listening))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "s"))
        assert house.answer() == [""]
    house.doors.shut()
    house.epoll.close()
