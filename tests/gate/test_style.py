"""Ruff and mypy are part of the gate."""

import subprocess
import sys

import pytest

from tests.gate.tree import ROOT, complain


def run(*command: str) -> list[str]:
    """Lines of what the tool complains about, none where it is content."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()


def test_ruff_finds_nothing() -> None:
    complain(run("ruff", "check"), "fix these (`ruff check --fix` does some):")


def test_everything_is_formatted() -> None:
    complain(run("ruff", "format", "--check"), "run `ruff format`:")


@pytest.mark.timeout(400)
def test_mypy_finds_nothing() -> None:
    complain(run("mypy", "--no-error-summary"), "give these their types (strict):")
