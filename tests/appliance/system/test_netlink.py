import errno
import gc
import ipaddress
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from pyroute2.netlink.rtnl.marshal import MarshalRtnl
from pytest_mock import MockerFixture

from appliance.system.netlink import (
    Address,
    Changes,
    NetlinkUnavailable,
    addresses,
    default_interface,
    is_wireless,
    network,
)

ROOT = Path(__file__).parents[3]
ERROR, DONE, NEW_LINK, DEL_LINK, GET_LINK, NEW_ADDRESS = 2, 3, 16, 17, 18, 20
NEW_ROUTE, UNKNOWN = 24, 250
MULTI, INTERRUPTED = 0x2, 0x10
LOWER_UP, RUNNING, UP = 0x10000, 0x40, 0x1
OPERSTATE_UNKNOWN, OPERSTATE_DOWN, OPERSTATE_DORMANT, OPERSTATE_UP = 0, 2, 5, 6
BRIDGE = 7


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def link(
    state: int | None,
    kind: int = NEW_LINK,
    flags: int = UP | RUNNING,
    family: int = 0,
    index: int = 0,
) -> bytes:
    """A message about wlan0, or another, as the kernel sends it (ifinfomsg, IFLA_IFNAME)."""
    header = struct.pack("=BxHiII", family, 1, index, flags | LOWER_UP, 0)
    told = b"" if state is None else attribute(16, bytes([state]))
    return message(kind, header + attribute(3, b"wlan%d\0" % index) + told)


def default_route(index: int, metric: int) -> bytes:
    """rtmsg, RTA_OIF, RTA_PRIORITY."""
    header = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)
    numbers = ((4, index), (6, metric))
    told = b"".join(attribute(kind, struct.pack("=I", number)) for kind, number in numbers)
    return message(NEW_ROUTE, header + told)


def test_this_machine_reaches_itself() -> None:
    own = [each for each in addresses() if each.address == "127.0.0.1"]
    assert [(each.prefix, each.family, each.up, each.wireless) for each in own] == [
        (8, 4, True, False)
    ]
    assert own[0].loopback


def test_every_address_is_one_and_its_interface_exists() -> None:
    for each in addresses():
        assert ipaddress.ip_address(each.address).version == each.family
        assert 0 <= each.prefix <= (32 if each.family == 4 else 128)
        assert socket.if_nametoindex(each.interface) > 0


def test_the_default_route_leaves_through_an_interface() -> None:
    name = default_interface()
    assert name is None or socket.if_nametoindex(name) > 0


def test_wireless_addresses_are_marked(tmp_path: Path) -> None:
    (tmp_path / "class/net/lo/phy80211").mkdir(parents=True)
    assert all(each.wireless == (each.interface == "lo") for each in addresses(tmp_path))


@pytest.mark.parametrize("mark", ["phy80211", "wireless"])
def test_wireless_interfaces_have_a_radio(tmp_path: Path, mark: str) -> None:
    (tmp_path / "class/net/wlan0" / mark).mkdir(parents=True)
    (tmp_path / "class/net/eth0").mkdir(parents=True)
    assert is_wireless("wlan0", tmp_path)
    assert not is_wireless("eth0", tmp_path)


@pytest.mark.parametrize("question", [addresses, default_interface, Changes])
def test_a_process_without_netlink_gets_a_typed_error(
    mocker: MockerFixture, question: object
) -> None:
    real = socket.socket

    def refuse(family: int = -1, *rest: int) -> socket.socket:
        if family == socket.AF_NETLINK:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest)

    mocker.patch("socket.socket", refuse)
    assert callable(question)
    with pytest.raises(NetlinkUnavailable, match=r"not supported.*AF_NETLINK"):
        question()


def test_link_local_addresses_are_known() -> None:
    assert Address("eth0", "fe80::1", 64, 6, up=True, wireless=False).link_local
    assert not Address("eth0", "192.168.1.2", 24, 4, up=True, wireless=False).link_local


def test_loopback_is_a_link_without_multicast() -> None:
    links = {each.name: each for each in network().links}
    assert links["lo"].loopback
    assert links["lo"].index == socket.if_nametoindex("lo")
    assert not links["lo"].point_to_point


def test_nothing_stays_open() -> None:
    def ask() -> int:
        network()
        default_interface()
        with Changes():
            pass
        return len(list(Path("/proc/self/fd").iterdir()))

    before = ask()
    gc.disable()
    try:
        assert [ask() for _ in range(3)] == [before] * 3
    finally:
        gc.enable()


IN_A_NAMESPACE = """
import asyncio, subprocess
from pathlib import Path
from appliance.system.netlink import Changes, default_interface, network

def ip(*words, input=None):
    subprocess.run(["ip", *words], check=True, input=input, text=True)

def links():
    return {each.name: each for each in network().links}

def found(name):
    return {each.address: each for each in network().addresses if each.interface == name}

def dropped():
    return sum(int(line.split()[8]) for line in Path("/proc/net/netlink").open() if " 0 " in line)

"""

CHANGES = """
async def scenario():
    with Changes() as changes:
        ip("link", "add", "here", "type", "veth", "peer", "name", "there")
        assert {"here", "there"} <= await changes.wait() | changes.drain()
        ip("addr", "add", "10.9.0.1/24", "dev", "here")
        ip("addr", "add", "fd00::9/64", "dev", "here", "nodad")
        assert await changes.wait() == frozenset()
        ip("link", "set", "here", "up")
        ip("link", "set", "there", "up")
        while not links()["here"].running:
            await changes.wait()
        own = found("here")
        assert own["10.9.0.1"].usable and own["10.9.0.1"].prefix == 24 and own["10.9.0.1"].up
        assert own["fd00::9"].usable and own["fd00::9"].family == 6
        local = [each for each in own.values() if each.link_local]
        assert [each.usable for each in local] in ([], [False])  # being checked for duplicates
        changes.drain()
        ip("link", "set", "there", "down")
        lost = await changes.wait()
        while "here" not in lost:
            lost |= await changes.wait()
        assert not links()["here"].running
        ip("link", "delete", "here")
        while "here" in links():
            await changes.wait()
        assert "here" in lost | changes.drain()
"""

ROUTES = """
async def scenario():
    for name, peer, address in ("one", "uno", "10.9.1.1/24"), ("two", "due", "10.9.2.1/24"):
        ip("link", "add", name, "type", "veth", "peer", "name", peer)
        ip("addr", "add", address, "dev", name)
        ip("addr", "add", f"fd00:{address[5]}::1/64", "dev", name, "nodad")
        ip("link", "set", name, "up")
        ip("link", "set", peer, "up")
    ip("route", "add", "default", "via", "10.9.1.2", "table", "7")
    ip("-6", "route", "add", "unreachable", "default", "metric", "1")
    ip("route", "add", "10.8.0.0/16", "via", "10.9.1.2")
    assert default_interface() is None
    ip("-6", "route", "add", "default", "via", "fd00:2::2", "metric", "5")
    assert default_interface() == "two"
    ip("route", "add", "default", "via", "10.9.1.2", "metric", "600")
    assert default_interface() == "one"
    ip("route", "add", "default", "via", "10.9.2.2", "metric", "100")
    assert default_interface() == "two"
"""

PEERS = """
async def scenario():
    ip("link", "add", "wg", "type", "veth", "peer", "name", "other")
    ip("addr", "add", "10.0.0.1", "peer", "10.0.0.2/32", "dev", "wg")
    assert list(found("wg")) == ["10.0.0.1"]
    assert not found("wg")["10.0.0.1"].up
    ip("addr", "add", "fd00::1/64", "dev", "wg", "preferred_lft", "0", "nodad")
    assert not found("wg")["fd00::1"].usable  # on its way out
"""

BRIDGE_PORTS = """
async def scenario():
    ip("link", "add", "port", "type", "veth", "peer", "name", "cable")
    ip("link", "add", "bridge", "type", "bridge")
    ip("link", "set", "port", "up")
    ip("link", "set", "cable", "up")
    with Changes() as changes:
        while not links()["port"].running:
            await changes.wait()
        ip("link", "set", "port", "master", "bridge")
        ip("link", "set", "port", "nomaster")
        assert "port" not in await changes.wait() | changes.drain()
    assert sorted(links()) == ["bridge", "cable", "lo", "port"]
"""

BURST = """
BATCH = "".join(f"addr add 10.{n >> 8}.{n & 255}.1/32 dev lo\\n" for n in range(3000))

async def scenario():
    with Changes() as changes:
        ip("-batch", "-", input=BATCH)
        assert dropped() > 0  # else this proves nothing
        await changes.wait()
        changes.drain()
        assert len(found("lo")) == 3000  # told in many datagrams
        waiting = asyncio.create_task(changes.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        ip("link", "add", "here", "type", "veth", "peer", "name", "there")
        assert {"here", "there"} <= await waiting | changes.drain()
"""

CANCELLED = """
async def scenario():
    with Changes() as changes:
        waiting = asyncio.create_task(changes.wait())
        await asyncio.sleep(0)
        ip("link", "add", "here", "type", "veth", "peer", "name", "there")
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert {"here", "there"} <= await changes.wait() | changes.drain()
"""


@pytest.mark.needs("netns")
@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(CHANGES, id="changes"),
        pytest.param(ROUTES, id="routes"),
        pytest.param(PEERS, id="peers"),
        pytest.param(BRIDGE_PORTS, id="bridge ports"),
        pytest.param(BURST, id="burst"),
        pytest.param(CANCELLED, id="cancelled"),
    ],
)
def test_a_network_of_its_own(scenario: str) -> None:
    run = f"{IN_A_NAMESPACE}{scenario}\nasyncio.run(asyncio.wait_for(scenario(), 30))"
    command = ["unshare", "--net", sys.executable, "-W", "error", "-c", run]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


AS_NOBODY = """
import os, pyroute2
from appliance.system.netlink import Changes, network
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
with Changes():
    assert "127.0.0.1" in [each.address for each in network().addresses]
"""


@pytest.mark.needs("root")
def test_it_needs_no_privileges() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", AS_NOBODY], check=True, cwd=ROOT)


def heard(data: bytes) -> list[object]:
    """As pyroute2 reads it."""
    return list(MarshalRtnl().parse(data))


@pytest.mark.parametrize(
    ("data", "lost"),
    [
        (link(OPERSTATE_UP), False),
        (link(OPERSTATE_UNKNOWN), False),
        (link(OPERSTATE_DORMANT), True),  # WiFi that is not authenticated
        (link(OPERSTATE_DOWN), True),
        (link(OPERSTATE_UP, flags=UP), True),
        (link(None), False),  # news of a scan: it says no more than the name
        (link(OPERSTATE_UP, DEL_LINK), True),
        (link(OPERSTATE_UP, DEL_LINK, family=BRIDGE), False),
        (link(OPERSTATE_DOWN) + link(OPERSTATE_UP), True),
        (message(NEW_ADDRESS, struct.pack("=BBBBI", 2, 24, 0, 0, 3)), False),
        (message(UNKNOWN, b"abcd"), False),
        (b"\xff" * 8, False),
    ],
)
def test_links_that_are_down_are_told(mocker: MockerFixture, data: bytes, lost: bool) -> None:
    mocker.patch("pyroute2.IPRSocket.get", side_effect=[heard(data), [], BlockingIOError])
    with Changes() as changes:
        assert changes.drain() == ({"wlan0"} if lost else set())


def test_a_broken_socket_is_an_error(mocker: MockerFixture) -> None:
    mocker.patch("pyroute2.IPRSocket.get", side_effect=OSError(errno.EBADF, "closed"))
    with Changes() as changes, pytest.raises(NetlinkUnavailable, match="closed"):
        changes.drain()


def test_a_refusal_is_an_error(mocker: MockerFixture) -> None:
    refusal = message(ERROR, struct.pack("=i", -errno.EPERM) + message(GET_LINK, bytes(16)))
    mocker.patch("pyroute2.IPRSocket.get", return_value=heard(refusal))
    with pytest.raises(NetlinkUnavailable, match="not permitted"):
        network()


def test_what_changed_while_it_was_told_is_asked_again(mocker: MockerFixture) -> None:
    mixed = heard(message(DONE, bytes(4), MULTI | INTERRUPTED))
    links = heard(link(OPERSTATE_UP) + message(DONE, bytes(4), MULTI))
    none = links[1:]
    mocker.patch("pyroute2.IPRSocket.get", side_effect=[mixed, mixed, links, mixed, none])
    assert [each.name for each in network().links] == ["wlan0"]


def test_the_default_route_of_the_lowest_metric_counts(mocker: MockerFixture) -> None:
    end = message(DONE, bytes(4), MULTI)
    links = b"".join(link(OPERSTATE_UP, index=index) for index in (0, 1, 2)) + end
    routes = default_route(2, 600) + default_route(1, 100) + default_route(9, 5) + end
    mocker.patch("pyroute2.IPRSocket.get", side_effect=[heard(links), heard(routes)])
    assert default_interface() == "wlan1"
