import asyncio

import pytest
from pytest_mock import MockerFixture

from appliance.mdns import advertiser
from appliance.mdns.advertiser import Advertiser, own_names
from appliance.mdns.naming import Names
from appliance.mdns.presence import State
from appliance.mdns.services import Service
from appliance.settings import MdnsSettings
from appliance.system.netlink import Address, Changes, Link, Network

SERVICES = (Service("_luna._tcp.local.", 80, ()),)


def lowest(low: int, high: int) -> int:
    return low


def network(*interfaces: str) -> Network:
    return Network(
        tuple(Link(i, name, True, True, False, False) for i, name in enumerate(interfaces, 2)),
        tuple(
            Address(name, f"10.0.{i}.1", 24, 4, True, False) for i, name in enumerate(interfaces)
        ),
    )


class Presence:
    """Remembers what it is told."""

    def __init__(self, state: State, claims: object, taken: object, budget: object) -> None:
        self.told = [state]
        self.taken = taken
        self.goodbye: bool | None = None
        self.task = asyncio.get_running_loop().create_future()

    @property
    def state(self) -> State:
        return self.told[-1]

    def update(self, state: State) -> None:
        self.told.append(state)

    async def stop(self, *, goodbye: bool) -> None:
        self.goodbye = goodbye


class Scene:
    """An advertiser whose network changes by `becomes`."""

    def __init__(self, mocker: MockerFixture, *interfaces: str) -> None:
        self.now = network(*interfaces)
        self.services = SERVICES
        self.made: list[Presence] = []
        mocker.patch.object(advertiser, "Presence", self._make)
        self.stop = asyncio.Event()
        self.looked = asyncio.Event()
        self._news: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        changes = mocker.Mock(Changes)
        changes.wait = self._news.get
        self.advertiser = Advertiser(
            MdnsSettings(),
            Names("luna-ab12", "Luna", "ab12"),
            lambda: self.services,
            self._look,
            lowest,
            refresh_s=0.01,
        )
        self.running = asyncio.create_task(self.advertiser.run(changes, self.stop))

    def _look(self) -> Network:
        self.looked.set()
        return self.now

    def _make(self, *words: object) -> Presence:
        self.made.append(Presence(*words))  # type: ignore[arg-type]
        return self.made[-1]

    async def becomes(self, *interfaces: str, lost: str = "") -> None:
        self.now = network(*interfaces)
        self.looked.clear()
        self._news.put_nowait(frozenset(lost.split()))
        async with asyncio.timeout(10):
            await self.looked.wait()
        await asyncio.sleep(0)  # what it saw is acted on in the same turn or the next

    async def end(self) -> None:
        self.stop.set()
        await self.running


def test_each_interface_has_its_presence_until_the_end(mocker: MockerFixture) -> None:
    async def scenario() -> None:
        scene = Scene(mocker, "eth0")
        await scene.becomes("eth0", "wlan0")
        eth0, wlan0 = scene.made
        assert (eth0.state.place.interface, wlan0.state.place.interface) == ("eth0", "wlan0")
        await scene.becomes("eth0")
        assert wlan0.goodbye is False  # nobody would hear it
        assert len(eth0.told) == 2  # others learn that the addresses of wlan0 are gone
        await scene.end()
        assert eth0.goodbye is True

    asyncio.run(scenario())


def test_what_is_told_of_the_device_follows_it(mocker: MockerFixture) -> None:
    async def scenario() -> None:
        scene = Scene(mocker, "eth0")
        await scene.becomes("eth0")
        (eth0,) = scene.made
        scene.services = (Service("_luna._tcp.local.", 80, (("auth", "1"),)),)
        async with asyncio.timeout(10):
            while len(eth0.told) < 2:
                await asyncio.sleep(0.01)
        assert eth0.state.services == scene.services
        await scene.end()

    asyncio.run(scenario())


def test_a_link_that_was_down_for_a_moment_is_a_new_one(mocker: MockerFixture) -> None:
    async def scenario() -> None:
        scene = Scene(mocker, "eth0")
        await scene.becomes("eth0")
        (first,) = scene.made
        assert len(first.told) == 1  # nothing has changed
        await scene.becomes("eth0", lost="eth0")
        assert len(scene.made) == 2
        await scene.end()

    asyncio.run(scenario())


def test_a_taken_name_is_changed_everywhere_once(mocker: MockerFixture) -> None:
    async def scenario() -> None:
        scene = Scene(mocker, "eth0", "wlan0")
        await asyncio.sleep(0)
        eth0, wlan0 = scene.made
        before = eth0.state
        assert callable(eth0.taken)
        eth0.taken(before, frozenset({"luna-ab12.local."}))
        eth0.taken(before, frozenset({"luna-ab12.local."}))  # wlan0 has heard the same
        assert scene.advertiser.names.host == "luna-ab12-2"
        assert scene.advertiser.names.instance == "Luna"
        assert {each.state.names.host for each in (eth0, wlan0)} == {"luna-ab12-2"}
        eth0.taken(eth0.state, frozenset({"luna._luna._tcp.local."}))
        assert wlan0.state.names.instance == "Luna ab12"
        await scene.end()

    asyncio.run(scenario())


def test_an_error_that_nobody_foresaw_ends_it(mocker: MockerFixture) -> None:
    async def scenario() -> None:
        scene = Scene(mocker, "eth0")
        await asyncio.sleep(0)
        scene.made[0].task.set_exception(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            await scene.running

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("reserved", "host"),
    [((), "luna-ab12"), (("other",), "luna-ab12"), (("luna-ab12",), "luna-ab12-2")],
)
def test_a_host_name_of_the_system_is_left_alone(reserved: tuple[str, ...], host: str) -> None:
    names = own_names(MdnsSettings(), "luna-ab12", "ab12", frozenset(reserved), lowest)
    assert names.host == host
    assert names.instance == "Luna ab12"
    named = own_names(MdnsSettings(name="Kitchen"), "h", "ab12", frozenset(), lowest)
    assert named.instance == "Kitchen"
