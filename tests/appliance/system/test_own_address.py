"""An address without an interface, on a machine of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("netns")
ROOT = Path(__file__).parents[3]
# What is sent there comes back; nothing is where it was not asked for.
SCRIPT = """
import errno, socket
from appliance.system.own_address import own
own("192.0.2.1")
own("192.0.2.1")
with socket.create_server(("192.0.2.1", 0)) as server:
    with socket.create_connection(server.getsockname(), 5) as client:
        print(client.getpeername()[0])
try:
    socket.create_server(("192.0.2.2", 0))
except OSError as error:
    print(error.errno == errno.EADDRNOTAVAIL)
"""
POWERLESS = """
from appliance.errors import LunaError
from appliance.system.own_address import own
try:
    own("192.0.2.1")
except LunaError as error:
    print(error)
"""


def run(*before: str, script: str) -> str:
    command = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *before]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        env=environ,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_ours_and_its_neighbour_is_not() -> None:
    assert run(script=SCRIPT).splitlines() == ["192.0.2.1", "True"]


def test_without_the_right_it_is_said() -> None:
    told = run("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", script=POWERLESS)
    assert "CAP_NET_ADMIN" in told
