"""The portal on real sockets."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack, closing, suppress

import pytest

from appliance.errors import ConfigError
from provisioning.portal.server import listen
from tests.helpers.wire import Wire
from tests.provisioning.portal.pretence import Portal, portal


def get(running: Portal, target: str = "/", *fields: str) -> bytes:
    host = f"Host: {running.url[7:-1]}"
    return "\r\n".join([f"GET {target} HTTP/1.1", host, *fields, "", ""]).encode()


def test_a_page_comes_and_the_connection_ends() -> None:
    with portal() as running, closing(Wire(running.server.port)) as wire:
        answer = wire.send(get(running)).response()
        assert answer.status == 200
        assert answer.whole
        assert answer.fields["connection"] == "close"
        assert answer.fields["server"] == "Luna"
        assert b"Hello." in answer.body
        assert wire.ended()


def test_a_phone_finds_the_portal() -> None:
    with portal() as running, closing(Wire(running.server.port)) as wire:
        question = b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n"
        answer = wire.send(question).response()
        assert (answer.status, answer.fields["location"]) == (302, running.url)
        assert answer.fields["content-length"] == "0"
        assert wire.ended()


def test_a_released_phone_gets_nothing_with_204() -> None:
    with portal() as running, closing(Wire(running.server.port)) as wire:
        running.visitors.release("127.0.0.1")
        wire.send(b"GET /generate_204 HTTP/1.1\r\nHost: www.google.com\r\n\r\n")
        answer = wire.response()
        assert answer.status == 204
        assert "content-length" not in answer.fields


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"nonsense\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20_000 + b"\r\n\r\n", (413, 431)),
        (b"POST /join HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000, (413,)),
        (b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (413, 414)),
    ],
)
def test_what_is_no_request_is_refused_at_once(sent: bytes, statuses: tuple[int, ...]) -> None:
    with portal() as running, ExitStack() as stack:
        wire = stack.enter_context(closing(Wire(running.server.port)))
        stack.enter_context(suppress(ConnectionError))  # closed while it was still sending
        assert wire.send(sent).response().status in statuses


def test_https_is_refused_at_once() -> None:
    """Phones try HTTPS too; nothing may listen, or drop packets, where they do."""
    with portal(address="127.71.0.1") as running, socket.socket() as phone:
        phone.settimeout(5)
        assert running.server.port != 443
        assert phone.connect_ex(("127.71.0.1", 443)) == errno.ECONNREFUSED


def test_those_that_say_nothing_block_nobody() -> None:
    with portal() as running, ExitStack() as idle:
        for _ in range(12):
            idle.enter_context(closing(Wire(running.server.port)))
        with closing(Wire(running.server.port)) as wire:
            assert wire.send(get(running)).response().status == 200


def test_it_has_its_address_beside_a_server_on_all_of_them() -> None:
    with socket.socket(socket.AF_INET6) as everywhere:
        everywhere.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        everywhere.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        everywhere.bind(("::", 0))
        everywhere.listen()
        port = everywhere.getsockname()[1]
        with closing(listen("127.71.0.2", port)) as ours:
            for _ in range(20):
                with socket.create_connection(("127.71.0.2", port), 5):
                    ours.accept()[0].close()
            with socket.create_connection(("127.0.0.1", port), 5):
                everywhere.accept()[0].close()


def test_it_listens_before_its_address_is_there() -> None:
    with closing(listen("192.0.2.77", 0)) as listener:
        assert listener.getsockname()[0] == "192.0.2.77"


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port}: another program has it"):
            listen("127.0.0.1", port)
