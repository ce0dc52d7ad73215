"""Against a real dbus-daemon."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadRequest
from appliance.system.bus import (
    Bus,
    BusLost,
    Call,
    CallFailed,
    NameTaken,
    NoAnswer,
    Signal,
    Variant,
    connect,
    plain,
)
from appliance.system.bus_service import Interface, Method, Objects, Property, complete_types
from tests.bus.daemon import Daemon

pytestmark = pytest.mark.needs("dbus-daemon")
NAME, PATH, KIND = "test.Echo", "/test/Echo", "test.Echo1"
WAIT = 10.0


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


class Echo:
    """A service with a method of each temper."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.count = 0

    async def echo(self, call: Call) -> tuple[Any, ...]:
        return (Variant("s", repr(call.body)),)

    async def hang(self, call: Call) -> tuple[Any, ...]:
        self.called.set()
        await asyncio.Event().wait()
        return ()

    async def refuse(self, call: Call) -> tuple[Any, ...]:
        raise BadRequest("Not like this.")

    async def fail(self, call: Call) -> tuple[Any, ...]:
        raise ZeroDivisionError("a secret detail")

    def interface(self) -> Interface:
        return Interface(
            KIND,
            (
                Method("Echo", "aya{sv}", "v", self.echo),
                Method("Hang", "", "", self.hang),
                Method("Refuse", "", "", self.refuse),
                Method("Fail", "", "", self.fail),
            ),
            (Property("Count", "u", lambda: self.count), Property("Ssid", "ay", lambda: b"\xff\0")),
            {"Rang": "su"},
        )


@asynccontextmanager
async def connected(daemon: Daemon, **options: float) -> AsyncIterator[Bus]:
    bus = await connect(daemon.address, **options)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def served(daemon: Daemon) -> AsyncIterator[tuple[Bus, Objects, Echo]]:
    async with connected(daemon) as bus:
        echo, objects = Echo(), Objects(bus, root="/test")
        objects.add(PATH, echo.interface())
        await bus.own(NAME)
        yield bus, objects, echo


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(3 * WAIT):
            await scenario

    asyncio.run(limited())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0.005)


def test_bytes_and_variants_arrive_plain(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon), connected(daemon) as client:
            sent = {"a": Variant("aay", [b"\xf0\x9f\x8c\x99", b"'\",\\"]), "b": Variant("x", -1)}
            (text,) = await client.call(NAME, PATH, KIND, "Echo", "aya{sv}", b"\xff\0", sent)
            body = (b"\xff\0", {"a": [b"\xf0\x9f\x8c\x99", b"'\",\\"], "b": -1})
            assert text == repr(body)

    run(scenario())


def test_properties_are_read_and_their_changes_told(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon) as (_, objects, echo), connected(daemon) as client:
            heard: list[Signal] = []
            await client.watch(NAME, "/test", heard.append)
            properties = "org.freedesktop.DBus.Properties"
            assert await client.call(NAME, PATH, properties, "GetAll", "s", KIND) == (
                {"Count": 0, "Ssid": b"\xff\0"},
            )
            echo.count = 7
            objects.changed(PATH, KIND, "Count")
            objects.signal(PATH, KIND, "Rang", "bell", 3)
            assert await client.call(NAME, PATH, properties, "Get", "ss", KIND, "Count") == (7,)
            await until(lambda: len(heard) == 2)
            assert heard[0] == Signal(
                PATH, properties, "PropertiesChanged", (KIND, {"Count": 7}, [])
            )
            assert heard[1] == Signal(PATH, KIND, "Rang", ("bell", 3))

    run(scenario())


def test_objects_come_and_go(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon) as (_, objects, echo), connected(daemon) as client:
            heard: list[Signal] = []
            await client.watch(NAME, "/test", heard.append)
            manager = "org.freedesktop.DBus.ObjectManager"
            objects.add("/test/Echo/2", echo.interface())
            (found,) = await client.call(NAME, "/test", manager, "GetManagedObjects")
            assert sorted(found) == [PATH, "/test/Echo/2"]
            objects.remove("/test/Echo/2")
            with pytest.raises(CallFailed) as caught:
                await client.call(NAME, "/test/Echo/2", KIND, "Refuse")
            assert caught.value.name == "org.freedesktop.DBus.Error.UnknownObject"
            await until(lambda: len(heard) == 2)
            assert [signal.member for signal in heard] == ["InterfacesAdded", "InterfacesRemoved"]

    run(scenario())


@pytest.mark.parametrize(
    ("member", "name", "text"),
    [
        ("Refuse", "org.luna.Error.InvalidValue", "Not like this."),
        ("Fail", "org.freedesktop.DBus.Error.Failed", "An internal error"),
        ("Nothing", "org.freedesktop.DBus.Error.UnknownMethod", "no method"),
        ("Echo", "org.freedesktop.DBus.Error.InvalidArgs", "aya{sv}"),
    ],
)
def test_errors_have_a_name_and_a_sentence(
    daemon: Daemon, member: str, name: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with served(daemon), connected(daemon) as client:
            with pytest.raises(CallFailed) as caught:
                await client.call(NAME, PATH, KIND, member)
            assert caught.value.name == name
            assert text in caught.value.message
            assert "secret" not in caught.value.message

    run(scenario())
    assert ("ZeroDivisionError" in caplog.text) == (member == "Fail")


def test_a_service_that_is_not_there_is_an_error(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with connected(daemon) as client:
            with pytest.raises(CallFailed) as caught:
                await client.call("test.Nobody", "/", KIND, "Echo")
            assert caught.value.name == "org.freedesktop.DBus.Error.ServiceUnknown"
            assert not await client.follow("test.Nobody")

    run(scenario())


def test_a_service_that_dies_in_a_call_is_an_error(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon) as (service, _, echo), connected(daemon) as client:
            owned: list[bool] = []
            assert await client.follow(NAME, owned.append)
            call = asyncio.create_task(client.call(NAME, PATH, KIND, "Hang"))
            await echo.called.wait()
            await service.close()
            with pytest.raises(CallFailed) as caught:
                await call
            assert caught.value.name == "org.freedesktop.DBus.Error.NoReply"
            await until(lambda: owned == [False])

    run(scenario())


def test_a_service_that_does_not_answer_is_not_waited_for(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon), connected(daemon, call_seconds=0.1) as client:
            for _ in range(3):
                with pytest.raises(NoAnswer):
                    await client.call(NAME, PATH, KIND, "Hang")
            assert not client._waiting
            assert await client.call(NAME, PATH, KIND, "Echo", "aya{sv}", b"", {}, seconds=WAIT)

    run(scenario())


def test_a_bus_that_dies_in_a_call_ends_the_call(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon) as (_, _, echo), connected(daemon) as client:
            call = asyncio.create_task(client.call(NAME, PATH, KIND, "Hang"))
            await echo.called.wait()
            daemon.stop()
            with pytest.raises(BusLost):
                await call
            async with asyncio.timeout(WAIT):
                await client.lost.wait()
            with pytest.raises(BusLost):
                await client.call(NAME, PATH, KIND, "Hang")
            client.emit(PATH, KIND, "Rang", "")  # dropped
        daemon.start()
        async with served(daemon), connected(daemon) as again:
            await again.call(NAME, PATH, KIND, "Echo", "aya{sv}", b"", {})

    run(scenario())


def test_a_signal_that_pretends_to_come_from_a_service_is_dropped(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with (
            served(daemon) as (_, objects, _),
            connected(daemon) as client,
            connected(daemon) as liar,
        ):
            heard: list[Signal] = []
            await client.watch(NAME, "/test", heard.append)
            _send_to(liar, client.unique_name)
            await liar.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
            objects.signal(PATH, KIND, "Rang", "true", 1)
            objects.signal("/test/Echo", KIND, "Rang", "true", 2)
            await until(lambda: len(heard) == 2)
            assert {signal.body[0] for signal in heard} == {"true"}

    run(scenario())


def _send_to(bus: Bus, destination: str) -> None:
    """A signal addressed to one connection, as no service has reason to send it."""
    from dbus_next.message import Message

    message = Message.new_signal(PATH, KIND, "Rang", "su", ["false", 0])
    message.destination = destination
    bus._send(message)


def test_a_name_has_one_owner(daemon: Daemon) -> None:
    async def scenario() -> None:
        async with served(daemon) as (service, _, _), connected(daemon) as other:
            await service.own(NAME)
            with pytest.raises(NameTaken):
                await other.own(NAME)

    run(scenario())


def test_an_independent_client_understands_it(daemon: Daemon) -> None:
    """dbus-send is libdbus, which checks every message that it receives."""

    def send(*arguments: str) -> str:
        command = ["dbus-send", f"--bus={daemon.address}", "--print-reply", f"--dest={NAME}"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True, timeout=WAIT
        )
        return done.stdout

    async def scenario() -> None:
        async with served(daemon):
            standard = "org.freedesktop.DBus"
            xml = await asyncio.to_thread(send, PATH, f"{standard}.Introspectable.Introspect")
            assert '<interface name="test.Echo1">' in xml
            assert '<arg type="a{sv}" direction="in" />' in xml
            top = await asyncio.to_thread(send, "/", f"{standard}.Introspectable.Introspect")
            assert '<node name="test" />' in top
            await asyncio.to_thread(send, PATH, f"{standard}.Peer.Ping")
            arguments = [f"string:{KIND}", "string:Count"]
            got = await asyncio.to_thread(send, PATH, f"{standard}.Properties.Get", *arguments)
            assert "uint32 0" in got

    run(scenario())


def test_a_bus_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    for address in (f"unix:path={tmp_path / 'none'}", "nonsense", "unix:guid=1"):
        with pytest.raises(BusLost, match="service dbus"):
            asyncio.run(connect(address))


def test_a_bus_that_hangs_up_while_it_greets_is_no_bus(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def greet() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(ConnectionError):
                client.recv(100)
                client.sendall(b"OK")

        greeter = threading.Thread(target=greet)
        greeter.start()
        with pytest.raises(BusLost):
            asyncio.run(connect(f"unix:path={path}"))
        greeter.join()


def test_a_bus_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(BusLost, match="does not answer"):
            asyncio.run(connect(f"unix:path={path}", call_seconds=0.1))


SINGLE = st.recursive(
    st.sampled_from("ybnqiuxtdsogv"),
    lambda inner: st.one_of(
        inner.map(lambda each: f"a{each}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: f"({''.join(each)})"),
        inner.map(lambda each: f"a{{s{each}}}"),
    ),
    max_leaves=6,
)


@given(st.lists(SINGLE))
def test_a_signature_falls_into_its_complete_types(types: list[str]) -> None:
    assert complete_types("".join(types)) == types


def test_no_variant_is_left() -> None:
    value = Variant("a{sv}", {"a": Variant("av", [Variant("s", "b")]), "c": Variant("ay", b"d")})
    assert plain([value]) == [{"a": ["b"], "c": b"d"}]
