"""The JavaScript SDK in Node, against a running server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.contracts.asking import inference_key
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine", "node")
TESTS = Path(__file__).parent / "sdk.test.mjs"


def run(url: str, **environ: str) -> None:
    done = subprocess.run(
        # Node 22 has WebSocket without asking for it.
        ["node", "--experimental-websocket", "--test", str(TESTS)],
        env={**os.environ, "LUNA_URL": url, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout


def test_in_node(luna: RunningLuna) -> None:
    run(luna.url)


def test_in_node_with_a_key(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as running:
        running.wait_loaded()
        run(running.url, LUNA_KEY=inference_key(tmp_path, "page"))
