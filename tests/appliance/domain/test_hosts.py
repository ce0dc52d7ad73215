from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.hosts import Names, is_foreign, is_here


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.20",
        "192.168.1.20:8080",
        "[fd00::1]:8080",
        "[fe80::1%25eth0]",
        "localhost",
        "localhost:8080",
        "LOCALHOST.",
        "luna.local",
        "Luna-1A2b.LOCAL:80",
        "luna.local.",
        "a.b.localhost",
        "luna",
        "luna.home.arpa",
        "luna.internal",
        "luna.lan",
        "chat.example.org",
        "chat.example.org:443",
        "",
        ":8080",
    ],
)
def test_names_of_this_server(host: str) -> None:
    assert Names(["Chat.Example.org"]).has(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "luna.local.evil.example",
        "192.168.1.20.evil.example",
        "localhost.evil.example",
        "xlocal.example",
        "notlocal.com",
        "1.2.3.4.5",
        "127.1.evil.example",
        "chat.example.org.evil.example",
    ],
)
def test_names_that_somebody_can_register(host: str) -> None:
    assert not Names(["chat.example.org"]).has(host)


def test_all_names() -> None:
    assert Names(["*"]).has("evil.example")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://luna.local", "luna.local"),
        ("http://LUNA.local:8080", "luna.local:8080"),
        ("https://[fd00::1]:8080", "[fd00::1]:8080"),
        ("https://trusted.example", "luna.local"),
        ("app://.", "luna.local"),
        ("file://", "luna.local"),
        ("tauri://localhost", "luna.local"),
    ],
)
def test_own_pages(origin: str, host: str) -> None:
    assert not is_foreign(origin, host, ["https://Trusted.example/"])


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://luna.local.evil.example",
        "http://luna.local:8081",
        "http://localhost",
        "https://trusted.example.evil.example",
        "http://trusted.example",
        "null",
        "",
        "luna.local",
        "http://[",
        "chrome-extension://abcdef",
        "http://user@luna.local",
    ],
)
def test_pages_of_elsewhere(origin: str) -> None:
    assert is_foreign(origin, "luna.local", ["https://trusted.example"])
    assert not is_foreign(origin, "luna.local", ["*"])


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("LOCALHOST:3000", True),
        ("127.0.0.1:80", True),
        ("127.9.9.9", True),
        ("[::1]:6568", True),
        ("192.168.1.9", False),
        ("localhost.evil.example", False),
        ("evil.localhost", False),
        ("", False),
    ],
)
def test_names_of_the_machine_that_they_are_said_on(host: str, here: bool) -> None:
    assert is_here(host) is here


@given(st.text(), st.text())
def test_nothing_that_is_sent_breaks_the_rules(origin: str, host: str) -> None:
    assert isinstance(Names().has(host), bool)
    assert isinstance(is_foreign(origin, host), bool)
    assert isinstance(is_here(host), bool)
