"""Imports point down, and every outside thing has one door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.gate.tree import Module, complain, product

# From top to bottom: a folder or module of `appliance` imports its own tier and those below it.
TIERS = (
    ("__main__", "cli"),
    ("assembly",),
    ("services", "specs"),
    ("http", "mdns", "updates", "watchdog", "firstboot", "label", "importing", "performance"),
    ("serving",),
    ("engines", "models", "store", "device_tools", "guide"),
    ("observe", "system"),
    ("domain", "config", "settings", "errors", "__version__"),
    ("sdk",),  # runs without all the others
)
RANK = {name: rank for rank, tier in enumerate(TIERS) for name in tier}
BOTTOM = len(TIERS)

# `provisioning` works when the API is broken: it may use these parts of `appliance` only.
PROVISIONING_MAY_USE = ("system", "domain", "errors", "__version__")

# The doors: a library → the files or folders that may import it.
DOORS = {
    "PIL": ("appliance/label/sheet.py",),
    "bottle": ("appliance/http/app.py",),
    "cheroot": ("appliance/http/", "provisioning/portal/server.py"),
    "ctypes": ("appliance/system/processes.py", "appliance/engines/rkllm/"),
    "dbus_next": ("appliance/system/bus.py", "appliance/system/bus_connection.py"),
    "httpx": ("appliance/sdk/python/luna_client/transport.py",),
    "ifaddr": ("appliance/system/addresses.py",),
    "jinja2": ("appliance/engines/rkllm/chat/", "provisioning/portal/page.py"),
    "jsonschema_rs": ("appliance/engines/schema_fit.py",),
    "llguidance": ("appliance/engines/llamacpp/schema.py",),
    "prometheus_client": ("appliance/observe/",),
    "pyroute2": (
        "appliance/system/netlink.py",
        "appliance/system/nl80211.py",
        "appliance/system/own_address.py",
    ),
    "segno": ("appliance/label/code.py", "provisioning/portal/code.py"),
    "sqlite3": ("appliance/store/",),
    "tokenizers": ("appliance/engines/rkllm/chat/tokenizer.py", "appliance/guide/"),
    "torch": ("appliance/guide/",),
    "websockets": ("appliance/http/websocket/",),
    "xllamacpp": ("appliance/engines/llamacpp/", "appliance/guide/engine.py"),
    "zeroconf": ("appliance/mdns/", "appliance/sdk/python/luna_client/discovery.py"),
}


def part(name: str) -> str:
    """Second component of a dotted name: what TIERS speaks of; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def upward(modules: Iterable[Module]) -> Iterator[str]:
    """Imports that break the direction."""
    for module in modules:
        package = module.name.split(".")[0]
        for line, imported in module.imports():
            where = f"{module.path}:{line}: imports {imported}"
            target = part(imported)
            if package == "appliance" and imported.split(".")[0] == "provisioning":
                yield f"{where}: appliance never imports provisioning"
            elif imported.split(".")[0] != "appliance":
                continue
            elif package == "provisioning":
                if target not in PROVISIONING_MAY_USE:
                    yield f"{where}: provisioning may use only {', '.join(PROVISIONING_MAY_USE)}"
            elif target not in RANK:
                yield f"{where}: {target!r} has no tier yet, give it one in tests/gate/test_imports"
            elif RANK[target] < RANK.get(part(module.name), BOTTOM):
                yield f"{where}: that is above {part(module.name) or 'the package itself'}"


def outside_their_door(modules: Iterable[Module]) -> Iterator[str]:
    """Libraries that are imported where they should not be."""
    for module in modules:
        for line, imported in module.imports():
            doors = DOORS.get(imported.split(".")[0])
            if doors and not str(module.path).startswith(doors):
                yield f"{module.path}:{line}: {imported} is for {' and '.join(doors)}"


def test_imports_point_down() -> None:
    complain(list(upward(product())), "move the code down, or hand it in from above:")


def test_libraries_are_used_behind_their_door() -> None:
    complain(list(outside_their_door(product())), "use what these offer, or widen them:")


def test_every_part_of_the_appliance_has_a_tier() -> None:
    parts = {part(module.name) for module in product() if module.name.startswith("appliance.")}
    complain(sorted(parts - RANK.keys()), "give these a tier in tests/gate/test_imports.py:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("appliance/domain/a.py", "from appliance.http import routes"),
        ("appliance/domain/a.py", "from ..serving import pool"),
        ("appliance/domain/a.py", "def f():\n    import appliance.config.x, appliance.engines"),
        ("appliance/engines/__init__.py", "from .. import serving"),
        ("appliance/__init__.py", "from appliance import errors"),
        ("appliance/cli/a.py", "import provisioning"),
        ("appliance/cli/a.py", "from appliance.novelty import b"),
        ("provisioning/a.py", "from appliance.models import folder"),
    ],
)
def test_an_import_that_points_up_is_found(path: str, source: str) -> None:
    assert list(upward([Module(PurePosixPath(path), source)]))


def test_an_import_that_points_down_is_not() -> None:
    source = "from appliance.engines import base\nfrom . import pool\nfrom ..errors import E"
    assert not list(upward([Module(PurePosixPath("appliance/serving/a.py"), source)]))
    source = "from appliance.system import bus\nfrom . import machine"
    assert not list(upward([Module(PurePosixPath("provisioning/a.py"), source)]))


def test_a_library_outside_its_door_is_found() -> None:
    module = Module(PurePosixPath("appliance/serving/a.py"), "import sqlite3\nimport json")
    assert len(list(outside_their_door([module]))) == 1
    door = Module(PurePosixPath("appliance/store/a.py"), "import sqlite3")
    assert not list(outside_their_door([door]))
