"""The factory reset: everything goes but who the device is, which is printed on it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance.firstboot.places import Places
from appliance.system import identity, label, reset_mark
from appliance.system.files import remove_durably, write_durably
from appliance.system.reset_mark import Reset

_NAMES = ("luna-reset", "luna-reset.txt")
_HEEDED = "reset-heeded"
_WIFI = re.compile(rb"^type=(wifi|802-11-wireless)\s*$", re.MULTILINE)


def take_wish(places: Places) -> Reset | None:
    """What is to be forgotten; a new file on the boot partition asks for it, too. Raises OSError.

    That partition is read-only, so the file stays there; its stamp tells whether it was heeded.
    """
    file = places.on_boot_partition(*_NAMES)
    if file and (stamp := _stamp(file)) != _heeded(places):
        before = reset_mark.asked(places.data) or Reset()
        models = before.models or b"models" in _content(file).lower()
        reset_mark.ask(places.data, Reset(models, stamp))
    return reset_mark.asked(places.data)


def forget(places: Places, wish: Reset) -> None:
    """Erase, the wish last: cut off at any point, the next boot begins anew. Raises OSError."""
    for path in _doomed(places, wish):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if wish.stamp:
        places.state.mkdir(parents=True, exist_ok=True)
        write_durably(places.state / _HEEDED, wish.stamp.encode())
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
    with file.open("rb") as opened:
        return opened.read(1000)


def _stamp(file: Path) -> str:
    told = file.stat()
    return f"{told.st_mtime_ns} {told.st_size}"


def _heeded(places: Places) -> str:
    try:
        return (places.state / _HEEDED).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
