from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ConfigError
from appliance.mdns.services import Facts, Service, services, types
from appliance.settings import Listener, MdnsSettings, ServerSettings, Settings
from appliance.system.identity import Identity

FACTS = Facts(Identity("ab12cd34ef56", "luna-ab12"), "Kitchen", "1.2.3", "Rock 5B", setup=False)


def test_the_device_announces_itself_and_its_web_page() -> None:
    luna, http = services(Settings(), FACTS)
    assert luna == Service(
        "_luna._tcp.local.",
        8080,
        (
            ("txtvers", "1"),
            ("id", "ab12cd34ef56"),
            ("name", "Kitchen"),
            ("ver", "1.2.3"),
            ("api", "/v1"),
            ("path", "/luna"),
            ("tls", "0"),
            ("auth", "0"),
            ("setup", "0"),
            ("md", "Rock 5B"),
        ),
    )
    assert http == Service("_http._tcp.local.", 8080, (("path", "/"),))


def test_what_is_configured_is_told() -> None:
    settings = Settings(
        server=ServerSettings(
            port=443,
            listeners=(Listener(port=11434),),
            tls_certificate=Path("a"),
            tls_key=Path("b"),
        ),
        mdns=MdnsSettings(auth=True, ollama=True, saturn=True),
    )
    facts = Facts(FACTS.identity, "", "", "", setup=True)
    found = services(settings, facts)
    assert types(found) == ("_luna._tcp", "_https._tcp", "_ollama._tcp", "_saturn._tcp")
    assert [each.port for each in found] == [443, 443, 11434, 443]
    told = dict(found[0].txt)
    assert (told["tls"], told["auth"], told["setup"], told["md"]) == ("1", "1", "1", "computer")
    plain = Settings(mdns=MdnsSettings(http=False, ollama=True))
    assert [each.port for each in services(plain, FACTS)] == [8080, 8080]


def test_keys_that_are_wanted_now_are_told() -> None:
    found = services(Settings(), replace(FACTS, auth=True))
    assert dict(found[0].txt)["auth"] == "1"


def test_any_free_port_cannot_be_announced() -> None:
    with pytest.raises(ConfigError, match=r"server\.port"):
        services(Settings(server=ServerSettings(port=0)), FACTS)


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_text_records_keep_to_their_limits(name: str, version: str, board: str) -> None:
    settings = Settings(mdns=MdnsSettings(ollama=True, saturn=True))
    facts = Facts(Identity("f" * 32, "luna-ffff"), name, version, board, setup=True)
    for service in services(settings, facts):
        strings = [f"{key}={value}".encode() for key, value in service.txt]
        assert all(len(string) <= 255 for string in strings)
        assert sum(len(string) + 1 for string in strings) <= 400
    luna = services(settings, facts)[0]
    assert luna.txt[0] == ("txtvers", "1")
    assert all(len(key) <= 9 and key.isascii() and key.isprintable() for key, _ in luna.txt)
