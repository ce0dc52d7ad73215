"""The JavaScript SDK in Node, against a running server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers.server import RunningLuna


@pytest.mark.needs("engine", "node")
def test_in_node(luna: RunningLuna) -> None:
    done = subprocess.run(
        # Node 22 has WebSocket without asking for it.
        ["node", "--experimental-websocket", "--test", str(Path(__file__).parent / "sdk.test.mjs")],
        env={**os.environ, "LUNA_URL": luna.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout
