"""Modules are small, importing them does nothing, and broad excepts are rare."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.gate.tree import ROOT, Module, complain, modules, product

LONGEST = 350
LONGEST_TEST = 500
PERMIT = "# outermost loop"
BROAD = {"Exception", "BaseException"}

# Modules that need the extra `train`, which the gate goes without.
TRAINING = "appliance.guide."

IMPORT_ALL = """
import importlib, logging, os, sys, threading, warnings
complaints = []
descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
for name in sys.argv[2:]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if not name.startswith(sys.argv[1]):
                complaints.append(f"{name}: {missing}")
    complaints += [f"{name}: {w.category.__name__}: {w.message}" for w in warned]
    others = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    if others:
        complaints.append(f"{name}: starts the thread {others[0]}")
        break
if logging.getLogger().handlers:
    complaints.append("one of them sets up logging")
if descriptors and len(os.listdir("/proc/self/fd")) > descriptors:
    complaints.append("one of them leaves a file or socket open")
for complaint in complaints:
    print(complaint)
"""


def too_long(found: Iterable[Module], limit: int) -> Iterator[str]:
    """Modules with more lines than `limit`."""
    for module in found:
        lines = len(module.source.splitlines())
        if lines > limit:
            yield f"{module.path}: {lines} lines, {limit} are allowed"


def global_statements(found: Iterable[Module]) -> Iterator[str]:
    """Every `global`."""
    for module in found:
        for node in ast.walk(module.syntax):
            if isinstance(node, ast.Global):
                yield f"{module.path}:{node.lineno}: global {', '.join(node.names)}"


def broad_excepts(found: Iterable[Module]) -> Iterator[str]:
    """Handlers that catch everything, do not end with a bare raise and have no permit."""
    for module in found:
        lines = module.source.splitlines()
        for node in ast.walk(module.syntax):
            if not isinstance(node, ast.ExceptHandler) or not catches_everything(node):
                continue
            last = node.body[-1]
            passed_on = isinstance(last, ast.Raise) and last.exc is None
            if not passed_on and PERMIT not in lines[node.lineno - 1]:
                yield f"{module.path}:{node.lineno}: {lines[node.lineno - 1].strip()}"


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """A bare except, or one that names Exception or BaseException."""
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in names)


def test_modules_are_small() -> None:
    found = [*too_long(product(), LONGEST), *too_long(modules("tests"), LONGEST_TEST)]
    complain(found, "split these by meaning, one noun each:")


def test_there_are_no_globals() -> None:
    complain(list(global_statements(product())), "hand the value in, or keep it in an object:")


def test_only_outermost_loops_catch_everything() -> None:
    remedy = f"name the exceptions; in a thread's or process's last loop write `{PERMIT}` there:"
    complain(list(broad_excepts(product())), remedy)


def test_importing_does_nothing() -> None:
    names = [module.name for module in product() if module.path.name != "__main__.py"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, TRAINING, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    complain(done.stdout.splitlines(), "importing a module may only define things:")


@pytest.mark.parametrize(
    "source",
    [
        "try: pass\nexcept Exception: pass",
        "try: pass\nexcept (ValueError, BaseException) as e: print(e)",
        "try: pass\nexcept: pass",
        "try: pass\nexcept Exception as e:\n    raise ValueError from e",
    ],
)
def test_a_broad_except_is_found(source: str) -> None:
    assert list(broad_excepts([Module(PurePosixPath("a.py"), source)]))


@pytest.mark.parametrize(
    "source",
    [
        "try: pass\nexcept Exception:  # outermost loop\n    pass",
        "try: pass\nexcept BaseException:\n    print()\n    raise",
        "try: pass\nexcept (KeyError, ValueError): pass",
    ],
)
def test_a_permitted_except_is_not(source: str) -> None:
    assert not list(broad_excepts([Module(PurePosixPath("a.py"), source)]))


def test_length_and_globals_are_found() -> None:
    module = Module(PurePosixPath("a.py"), "def f():\n    global x\n" + "    x = 1\n" * LONGEST)
    assert list(too_long([module], LONGEST))
    assert list(global_statements([module]))
