"""The portal as the service starts it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.country import Country
from provisioning.payloads import SetupNetwork
from provisioning.portal.portal import Portal, offered
from provisioning.situation import State
from tests.helpers.wire import Wire
from tests.provisioning.portal.pretence import PretendOnboarding

ROOT = Path(__file__).parents[3]
CHILD = """
import os, sys
from provisioning.payloads import SetupNetwork
from provisioning.portal.portal import Portal
from tests.provisioning.portal.pretence import PretendOnboarding
environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
setup = SetupNetwork(b"Luna-4F2A", address="127.0.0.1/8")
portal = Portal(PretendOnboarding(), setup, "luna-4f2a", environ)
portal.start()
print(portal.place.home, flush=True)
sys.stdin.read()
portal.stop()
"""


def test_every_address_leads_to_the_page() -> None:
    setup = SetupNetwork(b"Luna-4F2A", address="127.72.0.1/8", dns_answer="127.72.0.2")
    with socket.create_server(("127.72.0.3", 0)) as probe:
        port = probe.getsockname()[1]
    portal = Portal(PretendOnboarding(), setup, "luna-4f2a", {}, port)
    portal.start()
    try:
        for host in ("127.72.0.1", "127.72.0.2"):
            with socket.create_connection((host, port), 5) as phone:
                phone.sendall(f"GET /state HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
                answer = phone.makefile("rb").read()
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["view"] == "choose"
        with socket.socket() as elsewhere:
            assert elsewhere.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
    finally:
        portal.stop()


def test_a_socket_of_systemd_is_taken_and_nothing_of_the_api_is_needed() -> None:
    """The page is there in a process that has none of the API, on a socket that waited for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, descriptor = listener.getsockname()[1], listener.fileno()
        script = f'exec "$0" -c "$1" 3<&{descriptor}'
        with subprocess.Popen(
            ["bash", "-c", script, sys.executable, CHILD],
            pass_fds=[descriptor],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout
            assert child.stdout.readline() == f"http://127.0.0.1:{port}/\n"
            wire = Wire(port)
            asked = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
            assert b"Luna-4F2A" in wire.send(asked).response().body
            wire.close()
            child.communicate("", timeout=60)
        assert child.returncode == 0


@pytest.mark.needs("root")
def test_a_port_that_is_taken_does_not_stop_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def states() -> list[State]:
        country = Country(tmp_path / "country", lambda _: None)
        setup = SetupNetwork(b"Luna", address="127.72.0.9/8")
        async with offered(country, setup, "luna", {}) as bridge:
            return [bridge.situation().state]

    with socket.socket() as taken:
        taken.bind(("127.72.0.9", 80))
        taken.listen()
        assert asyncio.run(states()) == [State.WAITING]
    assert "The setup page cannot be at 127.72.0.9 port 80" in caplog.text
