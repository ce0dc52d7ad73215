"""The working tree as the gate sees it: files, parsed modules, imports."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("appliance", "provisioning")
# Generated folders; whatever else starts with a dot is looked into (`.ci`).
GENERATED = {".git", ".hypothesis", ".schemathesis", "__pycache__", "build", "dist"}


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file; `path` is relative to the root of the tree."""

    path: PurePosixPath
    source: str

    @property
    def name(self) -> str:
        """Dotted name; a package's is that of its folder."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def syntax(self) -> ast.Module:
        """Parsed source."""
        return ast.parse(self.source, str(self.path))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of everything imported, also inside functions."""
        package = self.name.split(".")
        if self.path.name != "__init__.py":
            package.pop()
        for node in ast.walk(self.syntax):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) + 1 - node.level] if node.level else []
                base += [node.module] if node.module else []
                yield from ((node.lineno, ".".join([*base, a.name])) for a in node.names)


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project, in order."""
    found: list[Path] = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [
            name
            for name in subfolders
            if name not in GENERATED
            and not name.endswith((".egg-info", "_cache"))
            and not (Path(folder, name) / "pyvenv.cfg").exists()
        ]
        found += [Path(folder, name) for name in names]
    return tuple(sorted(found))


@cache
def modules(top: str) -> tuple[Module, ...]:
    """Every Python module below a top-level folder."""
    return tuple(
        Module(PurePosixPath(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] == top
    )


def product() -> tuple[Module, ...]:
    """The modules that are installed."""
    return tuple(module for package in PACKAGES for module in modules(package))


def folders(top: str) -> set[str]:
    """Every folder below `top` that holds Python modules, as posix paths, `top` included."""
    return {module.path.parent.as_posix() for module in modules(top)}


def complain(found: list[str], remedy: str) -> None:
    """Fail with every violation and what to do about them, unless there is none."""
    if found:
        pytest.fail("\n".join([remedy, *found]), pytrace=False)
