from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.keys import EVERYTHING, NOBODY, Key, Keyring, Scope, digest
from appliance.errors import RateLimited, Unauthorized
from appliance.http.access_keys import Bearers, KeyCheck, presented
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route
from appliance.serving.answer import Caller

PHONE = Key("phone", frozenset({"inference"}), digest("phone"))
OWNER = Key("owner", frozenset({"admin"}), digest("owner"))
ADMIN: frozenset[Scope] = frozenset({"admin"})


def route(access: Any = "key") -> Route:
    return Route("GET", "/x", lambda request: Reply(b""), Operation("", ""), access=access)


def shown(key: str = "", client: str = "192.168.1.9") -> Request:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return Request("GET", "/x", Caller(client, "req_1", CancelToken()), headers=headers)


@dataclass
class Check:
    """A check with a clock that stands still, and three wrong keys a minute."""

    keys: tuple[Key, ...] = (PHONE, OWNER)
    now: float = 0.0
    check: KeyCheck = field(init=False)

    def __post_init__(self) -> None:
        self.check = KeyCheck(lambda: Keyring(self.keys), 3, lambda: self.now)

    def __call__(
        self,
        request: Request,
        access: Any = "key",
        place: frozenset[Scope] = NOBODY,
    ) -> frozenset[Scope]:
        return self.check.grants(route(access), request, place)


def test_once_there_is_a_key_for_inference_it_is_needed() -> None:
    check = Check(keys=())
    assert check(shown()) == NOBODY
    check.keys = (OWNER,)
    assert check(shown()) == NOBODY
    check.keys = (OWNER, PHONE)
    with pytest.raises(Unauthorized, match="Bearer"):
        check(shown())
    assert check(shown("phone")) == {"inference"}
    assert check(shown("owner")) == EVERYTHING
    with pytest.raises(Unauthorized, match="not known"):
        check(shown("guess"))


def test_the_device_itself_needs_one_for_inference_too() -> None:
    with pytest.raises(Unauthorized):
        Check()(shown(client="127.0.0.1"), place=ADMIN)
    assert Check()(shown(), place=EVERYTHING) == NOBODY


def test_what_is_open_asks_for_nothing_and_believes_nothing() -> None:
    check = Check()
    for key in ("", "guess", "owner"):
        assert check(shown(key), "open") == NOBODY


def test_administration() -> None:
    check = Check()
    assert check(shown("owner"), "admin") == EVERYTHING
    assert check(shown("phone"), "admin") == {"inference"}
    assert check(shown(), "admin", ADMIN) == NOBODY
    for key in ("", "guess"):
        with pytest.raises(Unauthorized):
            check(shown(key), "admin")
    check.keys = (PHONE,)
    assert check(shown(), "admin") == NOBODY


def test_a_word_where_no_key_is_needed_is_no_guess() -> None:
    check = Check(keys=(OWNER,))
    for _ in range(10):
        assert check(shown("none")) == NOBODY
    assert check(shown("owner")) == EVERYTHING


@pytest.mark.parametrize("access", ["key", "admin", "own"])
def test_who_guesses_is_not_listened_to(access: str) -> None:
    check = Check()
    for number in range(3):
        if access == "own":
            assert check(shown(f"guess{number}"), access) == NOBODY
        else:
            with pytest.raises(Unauthorized):
                check(shown(f"guess{number}"), access)
    check.now = 20.0
    with pytest.raises(RateLimited) as caught:
        check(shown("owner"), access)
    assert caught.value.retry_after == 40
    assert check(shown("owner", "192.168.1.10"), access) == EVERYTHING
    check.now = 60.0
    assert check(shown("owner"), access) == EVERYTHING


def test_a_good_key_is_not_shut_out_by_a_neighbour() -> None:
    check = Check()
    assert check(shown("phone")) == {"inference"}
    for _ in range(3):
        with pytest.raises(Unauthorized):
            check(shown("guess"))
    with pytest.raises(RateLimited):
        check(shown("guess"))
    assert check(shown("phone")) == {"inference"}
    check.keys = (OWNER,)
    assert check(shown()) == NOBODY
    check.keys = (OWNER, Key("other", frozenset({"inference"}), digest("x")))
    with pytest.raises(RateLimited):
        check(shown("phone"))  # revoked


def test_a_wrong_key_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unauthorized):
        Check()(shown("luna_guess"))
    assert "192.168.1.9 showed a wrong API key (req_1)" in caplog.text
    assert "guess" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ({}, ()),
        ({"authorization": "Bearer a"}, ("a",)),
        ({"authorization": "bearer  a "}, ("a",)),
        ({"authorization": "Bearer "}, ()),
        ({"authorization": "Basic a"}, ()),
        ({"authorization": "a"}, ()),
        ({"x-api-key": "b"}, ("b",)),
        ({"x-api-key": " "}, ()),
        ({"authorization": "Bearer a", "x-api-key": "b"}, ("a", "b")),
    ],
)
def test_where_keys_are_shown(headers: dict[str, str], keys: tuple[str, ...]) -> None:
    assert presented(headers) == keys


def test_either_of_two_keys_will_do() -> None:
    both = {"authorization": "Bearer none", "x-api-key": "phone"}
    request = Request("GET", "/x", Caller("a", "r", CancelToken()), headers=both)
    assert Check()(request) == {"inference"}


def test_bearers_are_remembered_up_to_a_number() -> None:
    bearers = Bearers(capacity=2)
    for client in ("a", "b", "a", "c"):
        bearers.add(client, "key")
    assert [bearers.has(client, "key") for client in "abc"] == [True, False, True]
    assert not bearers.has("a", "another")
