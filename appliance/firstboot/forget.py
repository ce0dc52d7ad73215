"""The factory reset: everything goes but who the device is, which is printed on it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import LunaError
from appliance.firstboot.places import Places
from appliance.system import identity, label, reset_mark
from appliance.system.files import remove_durably
from appliance.system.reset_mark import Reset

_NAMES = ("luna-reset", "luna-reset.txt")
_WIFI = re.compile(rb"^type=(wifi|802-11-wireless)\s*$", re.MULTILINE)


class ResetImpossible(LunaError):
    """A reset was asked for in a way that would have it come again at every boot."""

    code = "reset_impossible"


def take_wish(places: Places) -> Reset | None:
    """What is to be forgotten; a wish on the boot partition becomes one that is kept here.

    Raises ResetImpossible, or OSError.
    """
    if file := places.on_boot_partition(*_NAMES):
        models = b"models" in _content(file).lower()
        before = reset_mark.asked(places.data) or Reset()
        reset_mark.ask(places.data, Reset(models or before.models))
        remove_durably(file)
    return reset_mark.asked(places.data)


def forget(places: Places, wish: Reset) -> None:
    """Erase, the wish last: cut off at any point, the next boot begins anew. Raises OSError."""
    for path in _doomed(places, wish):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    remove_durably(places.data / reset_mark.FILE)


def _doomed(places: Places, wish: Reset) -> Iterator[Path]:
    """What goes: the content of folders, because they have owners and modes that stay right."""
    kept = {reset_mark.FILE, "models"}
    yield from _inside(places.data, kept)
    if wish.models:
        yield from _inside(places.data / "models")
    for folder in places.states:
        yield from _inside(folder)
    own = {identity.FILE, label.FILE}
    folders = {"luna.d", "tools"}
    yield from _inside(places.settings, own | folders)
    for name in sorted(folders):
        yield from _inside(places.settings / name)
    for path in _inside(places.wifi_profiles):
        if path.is_file() and _WIFI.search(path.read_bytes()):
            yield path


def _inside(folder: Path, kept: set[str] | frozenset[str] = frozenset()) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name not in kept)


def _content(file: Path) -> bytes:
    """Read for writing too: a wish that cannot be removed would be fulfilled at every boot."""
    try:
        with file.open("r+b") as opened:
            return opened.read(1000)
    except OSError as error:
        raise ResetImpossible(
            f"{file} asks for a reset, but cannot be removed afterwards ({error.strerror}); make "
            "the boot partition writable, or use: luna reset"
        ) from error
