"""The locks pin everything that pyproject.toml asks for, with hashes and nothing else."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.gate.tree import ROOT, complain

RELOCK = "run `make lock`:"
LOCKS = ("requirements.lock", "requirements-test.lock")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def pins(lock: str) -> list[tuple[Requirement, int]]:
    """Every pin of a lock file with the number of its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    entries = [line.partition(" --hash") for line in text.splitlines() if line.strip()]
    return [(Requirement(name), len(HASH.findall(sep + rest))) for name, sep, rest in entries]


def pinned(lock: str) -> dict[str, list[Requirement]]:
    """Pins by normalised name; a name has several where Pythons need different versions."""
    found: dict[str, list[Requirement]] = {}
    for requirement, _ in pins(lock):
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def project() -> dict[str, Any]:
    """Content of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def asked_for(*extras: str) -> list[Requirement]:
    """What pyproject.toml names: the build, the dependencies and those of `extras`."""
    content = project()
    texts = [*content["build-system"]["requires"], *content["project"]["dependencies"]]
    for extra in extras:
        texts += content["project"]["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def version(requirement: Requirement) -> str:
    """The one version that a pin allows; empty where it is not a pin."""
    exact = [s.version for s in requirement.specifier if s.operator == "=="]
    return exact[0] if len(exact) == len(requirement.specifier) == 1 else ""


@pytest.mark.parametrize(("lock", "extras"), [(LOCKS[0], ()), (LOCKS[1], ("test",))])
def test_every_direct_dependency_is_locked(lock: str, extras: tuple[str, ...]) -> None:
    locked = pinned(lock)
    complain(
        [
            str(asked)
            for asked in asked_for(*extras)
            if not any(
                asked.specifier.contains(version(pin), prereleases=True)
                for pin in locked.get(canonicalize_name(asked.name), [])
            )
        ],
        RELOCK,
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_an_exact_pin_with_hashes(lock: str) -> None:
    complain([str(pin) for pin, hashes in pins(lock) if not hashes or not version(pin)], RELOCK)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_binary_package_has_hashes_of_several_builds(lock: str) -> None:
    # That a wheel for aarch64 is among them is what `make lock` asks the registry.
    few = []
    for pin, hashes in pins(lock):
        try:
            tags = distribution(pin.name).read_text("WHEEL") or ""
        except PackageNotFoundError:  # for another system
            continue
        if "Root-Is-Purelib: false" in tags and hashes < 2:
            few.append(str(pin))
    complain(few, RELOCK)


def test_both_locks_agree() -> None:
    # Not the markers: a test dependency may need on every system what the product does on some.
    tests = {(pin.name, version(pin)) for pin, _ in pins(LOCKS[1])}
    complain(
        [str(pin) for pin, _ in pins(LOCKS[0]) if (pin.name, version(pin)) not in tests], RELOCK
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_no_index_or_address_is_named(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if "://" in line or line.startswith(("-", "git+"))]
    complain(found, "a lock names packages only, no place to get them from:")


def test_the_build_is_locked_under_the_same_terms() -> None:
    content = project()
    assert content["build-system"]["requires"] == content["dependency-groups"]["build"]
