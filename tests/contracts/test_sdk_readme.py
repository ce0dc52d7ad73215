"""The examples of the SDKs' README run as they stand, but for the address."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.server import ROOT, RunningLuna

SDK = ROOT / "appliance/sdk"
ADDRESS = "http://luna-ab12.local"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [(kind, text) for kind, text in BLOCK.findall((SDK / "README.md").read_text("utf-8"))]
# tests/network has this one: it needs a network with a device on it.
PYTHON = [text for kind, text in EXAMPLES if kind == "python" and "discover" not in text]
NODE = [text for kind, text in EXAMPLES if kind == "js"]

pytestmark = pytest.mark.needs("engine")


def run(command: list[str], folder: Path, **environ: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("example", PYTHON)
def test_python(luna: RunningLuna, tmp_path: Path, example: str) -> None:
    file = tmp_path / "example.py"
    file.write_text(example.replace(ADDRESS, luna.url), "utf-8")
    assert ADDRESS in example
    assert run([sys.executable, str(file)], tmp_path, PYTHONPATH=str(SDK / "python"))


@pytest.mark.needs("node")
@pytest.mark.parametrize("example", NODE)
def test_node(luna: RunningLuna, tmp_path: Path, example: str) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/luna-client").symlink_to(SDK / "javascript")
    file = tmp_path / "example.mjs"
    file.write_text(example.replace(ADDRESS, luna.url), "utf-8")
    assert ADDRESS in example
    assert run(["node", str(file)], tmp_path)


def test_there_are_examples() -> None:
    assert len(PYTHON) == 2
    assert len(NODE) == 1
