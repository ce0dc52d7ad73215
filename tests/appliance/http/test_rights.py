from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.keys import EVERYTHING, NOBODY
from appliance.errors import Forbidden
from appliance.http.exchange import Request
from appliance.http.rights import require_administration, require_own_page, rights_of_place
from appliance.serving.answer import Caller

SETUP = [ip_interface("10.42.0.1/24"), ip_interface("fd42::1/64")]


def request(client: str = "", address: str = "", method: str = "POST", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    caller = Caller(client, "req_1", CancelToken())
    return Request(method, "/x", caller, headers=named, address=address)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_programs_on_the_device_administer_it(client: str) -> None:
    assert rights_of_place(request(client, "127.0.0.1"), []) == {"admin"}


def test_who_may_open_the_unix_socket_may_all() -> None:
    assert rights_of_place(request(""), []) == EVERYTHING


@pytest.mark.parametrize("client", ["192.168.1.9", "fe80::1", "::ffff:10.0.0.1", "nonsense"])
def test_others_may_nothing(client: str) -> None:
    assert rights_of_place(request(client, "192.168.1.2"), SETUP) == NOBODY


@pytest.mark.parametrize("header", ["forwarded", "x_forwarded_for", "x_real_ip"])
def test_a_proxy_on_the_device_is_not_the_device(header: str) -> None:
    assert rights_of_place(request("127.0.0.1", **{header: "1.2.3.4"}), SETUP) == NOBODY


@pytest.mark.parametrize(
    ("client", "address", "rights"),
    [
        ("10.42.0.17", "10.42.0.1", EVERYTHING),
        ("::ffff:10.42.0.17", "10.42.0.1", EVERYTHING),
        ("fd42::17%wlan0", "fd42::1%wlan0", EVERYTHING),
        # Somebody's home network of the same numbers, where the device is a guest.
        ("10.42.0.1", "10.42.0.17", NOBODY),
        ("10.42.0.18", "10.42.0.17", NOBODY),
        # Linux takes packets for any of its addresses on any interface.
        ("192.168.1.9", "10.42.0.1", NOBODY),
        ("10.42.1.17", "10.42.0.1", NOBODY),
        ("10.42.0.17", "", NOBODY),
    ],
)
def test_the_setup_network(client: str, address: str, rights: frozenset[str]) -> None:
    assert rights_of_place(request(client, address), SETUP) == rights


def test_administration_needs_its_scope() -> None:
    caller = Caller("192.168.1.9", "req_1", CancelToken())
    require_administration(Request("POST", "/x", caller, scopes=EVERYTHING))
    with pytest.raises(Forbidden, match="the device itself"):
        require_administration(Request("POST", "/x", caller, scopes=frozenset({"inference"})))


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8081", ""])
def test_pages_of_elsewhere_may_not(origin: str) -> None:
    with pytest.raises(Forbidden, match="web page"):
        require_own_page(request(host="localhost:8080", origin=origin))


def test_wingmans_window_may_on_the_ports_of_its_clients() -> None:
    asked = request(host="localhost:6568", origin="http://localhost:3000")
    with pytest.raises(Forbidden, match="web page"):
        require_own_page(asked)
    require_own_page(replace(asked, dialect="wingman"))
    for origin in ("http://evil.example", "null", "http://localhost.evil.example", ""):
        with pytest.raises(Forbidden, match="web page"):
            require_own_page(
                replace(request(host="localhost:6568", origin=origin), dialect="wingman")
            )
    elsewhere = request(host="192.168.1.20:6568", origin="http://localhost:3000")
    with pytest.raises(Forbidden, match="web page"):
        require_own_page(replace(elsewhere, dialect="wingman"))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_what_a_page_of_elsewhere_shows_or_opens_may_not(site: str) -> None:
    with pytest.raises(Forbidden, match="web page"):
        require_own_page(request(method="GET", host="localhost:8080", sec_fetch_site=site))


def test_a_browser_that_does_not_say_who_asks_may_do_no_harm() -> None:
    simple = request(method="GET", host="10.42.0.1:8080", user_agent="Mozilla/5.0 (X11)")
    with pytest.raises(Forbidden, match="web page"):
        require_own_page(simple)
    require_own_page(simple, harmless=True)
    require_own_page(request(method="GET", host="10.42.0.1:8080", user_agent="python-requests"))
    # Browsers send no POST without an origin; old ones did, and then no page can read the answer.
    require_own_page(request(host="10.42.0.1:8080", user_agent="Mozilla/5.0 (X11)"))


def test_own_and_trusted_pages_may() -> None:
    require_own_page(request(host="luna.local", origin="http://luna.local"))
    require_own_page(request(host="luna.local", sec_fetch_site="same-origin"))
    require_own_page(request(host="luna.local", sec_fetch_site="none"))
    require_own_page(
        request(host="luna.local", origin="https://ui.example", sec_fetch_site="cross-site"),
        ["https://ui.example"],
    )
