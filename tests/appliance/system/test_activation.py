"""Sockets that were opened before the process began."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import ConfigError
from appliance.system.activation import inherited

CHILD = """
import os
from appliance.system.activation import inherited
(found,) = inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
print(found.getsockname()[1], os.get_inheritable(found.fileno()))
found.close()
"""


def test_a_socket_is_taken_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        done = subprocess.run(
            ["bash", "-c", f'exec "$0" -c "$1" 3<&{descriptor}', sys.executable, CHILD],
            pass_fds=[descriptor],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [str(listener.getsockname()[1]), "False"]


def test_what_is_for_others_is_left_alone() -> None:
    assert inherited({}) == []
    assert inherited({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) == []


def test_a_bad_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="LISTEN_FDS must be a number"):
        inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"})
