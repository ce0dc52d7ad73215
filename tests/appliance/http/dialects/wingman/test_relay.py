from __future__ import annotations

import pytest

from appliance.errors import BadRequest, BodyTooLarge, RateLimited
from appliance.http.dialects.wingman.relay import LONGEST, MESSAGES, SECONDS, Relay
from tests.helpers.sockets import Kept


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_asked_for_a_type_gets_it_and_nobody_else() -> None:
    relay, sender, friend, stranger = Relay(), Kept(), Kept(), Kept()
    relay.subscribe(friend, ["Note", "Chat"])
    relay.subscribe(stranger, ["Other"])
    relay.subscribe(sender, ["Note"])
    relay.publish(sender, "a", "Note", '{"Note": 1}')
    relay.unsubscribe(friend, ["Note", "never asked for"])
    relay.publish(sender, "a", "Note", '{"Note": 2}')
    relay.publish(sender, "a", "Chat", '{"Chat": 3}')
    relay.leave(friend)
    relay.publish(sender, "a", "Chat", '{"Chat": 4}')
    assert friend.texts == ['{"Note": 1}', '{"Chat": 3}']
    assert stranger.texts == sender.texts == []


def test_leaving_or_unsubscribing_without_having_come_is_nothing() -> None:
    relay = Relay()
    relay.leave(Kept())
    relay.unsubscribe(Kept(), ["Note"])


@pytest.mark.parametrize("types", [[""], ["x" * 65], [f"T{n}" for n in range(33)]])
def test_subscriptions_are_bounded(types: list[str]) -> None:
    with pytest.raises(BadRequest):
        Relay().subscribe(Kept(), types)


def test_subscriptions_are_bounded_together() -> None:
    relay, client = Relay(), Kept()
    relay.subscribe(client, [f"T{n}" for n in range(32)])
    relay.subscribe(client, ["T0"])
    with pytest.raises(BadRequest):
        relay.subscribe(client, ["one more"])


def test_messages_are_bounded_in_size() -> None:
    relay = Relay()
    relay.publish(Kept(), "a", "Note", "*" * LONGEST)
    with pytest.raises(BodyTooLarge):
        relay.publish(Kept(), "a", "Note", "*" * (LONGEST + 1))


def test_messages_are_bounded_in_rate_by_address() -> None:
    clock, friend = Clock(), Kept()
    relay = Relay(clock)
    relay.subscribe(friend, ["Note"])
    for _ in range(MESSAGES):
        relay.publish(Kept(), "a", "Note", "x")
    with pytest.raises(RateLimited) as caught:
        relay.publish(Kept(), "a", "Note", "x")
    assert caught.value.retry_after == SECONDS
    relay.publish(Kept(), "b", "Note", "x")
    clock.now = SECONDS
    relay.publish(Kept(), "a", "Note", "x")
    assert len(friend.texts) == MESSAGES + 2
