"""Models that go, and models that get a second name; at no moment is half a model to be seen."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from appliance.errors import BadRequest, StorageFailed
from appliance.models.folder import BESIDE, Entry, parts
from appliance.models.manifest import NAME, without_source
from appliance.system.files import sync

_GOOD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")
# What file systems without hard links, or links into another one, answer to a link.
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


def remove(entry: Entry, folder: Path) -> None:
    """Delete a model of `folder`, and the folder of its own where nothing else is left in it.

    It goes all at once, or its first part goes first: without that there is no model. Raises
    BadRequest for the bundled one.
    """
    if entry.bundled:
        raise BadRequest(f"'{entry.id}' belongs to Luna itself and cannot be deleted.")
    own = entry.path.parent
    try:
        if own != folder and _is_all_of(entry, own):
            gone = folder / f".{own.name}.gone"
            shutil.rmtree(gone, ignore_errors=True)
            own.rename(gone)
            shutil.rmtree(gone)
            return
        for path in parts(entry.path):
            path.unlink(missing_ok=True)
        if own != folder:
            _tidy(entry)
    except OSError as error:
        raise StorageFailed(
            f"'{entry.id}' cannot be deleted: {error.strerror}. Who runs Luna must be able to "
            "write to the models folder."
        ) from error


def copy(entry: Entry, folder: Path, name: str) -> None:
    """Give a model of `folder` a second name, as a folder of its own.

    The two share their blocks where the file system can do that, and can be deleted one by one.
    Raises BadRequest for a name that cannot be, or is there already.
    """
    if not _GOOD_NAME.fullmatch(name):
        raise BadRequest(
            f"'{name}' cannot be the name of a model: use letters, digits, dots, dashes, "
            "underscores and colons only.",
            param="destination",
        )
    target, hidden = folder / name, folder / f".{name}.new"
    if target.exists():
        raise BadRequest(f"There is a model '{name}' already.", param="destination")
    try:
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir()
        for path in parts(entry.path):
            _link(path, hidden / path.name)
        for extra in _extras(entry) if entry.path.parent != folder else []:
            _copy_extra(extra, hidden / extra.relative_to(entry.path.parent))
        sync(hidden)
        hidden.rename(target)
        sync(folder)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        raise StorageFailed(f"'{entry.id}' cannot be copied: {error.strerror}.") from error


def sweep(folder: Path) -> None:
    """Delete what a process left behind that ended in the middle of a change; nobody else may run.

    Raises nothing: what cannot be deleted stays, hidden.
    """
    for kind in ("new", "gone"):
        for rest in folder.glob(f".?*.{kind}"):
            shutil.rmtree(rest, ignore_errors=True)


def _is_all_of(entry: Entry, own: Path) -> bool:
    """Whether a real folder holds this model's files and no others."""
    if own.is_symlink():
        return False
    known = {*parts(entry.path), *_extras(entry)}
    return all(path in known or path.is_dir() for path in own.rglob("*"))


def _tidy(entry: Entry) -> None:
    """Empty the folder of a model that is gone, unless another model is in it."""
    folder = entry.path.parent
    if any(folder.glob(f"[!.]*{entry.path.suffix}")):
        return
    extras = _extras(entry)
    for extra in extras:
        extra.unlink()
    for place in sorted({folder, *(extra.parent for extra in extras)}, reverse=True):
        with suppress(OSError):  # it is not there, or somebody keeps something else in it
            place.rmdir()


def _extras(entry: Entry) -> list[Path]:
    """The manifest, the template that it names, and a tokenizer's files, of those beside it."""
    template = entry.manifest.template or ""
    own = {NAME, *BESIDE, template if Path(template).name == template else ""} - {""}
    beside = (entry.path.parent / name for name in sorted(own))
    return [path for path in beside if path.is_file()]


def _copy_extra(extra: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if extra.name == NAME:
        target.write_text(without_source(extra.read_text("utf-8")), "utf-8")
    else:
        shutil.copyfile(extra, target)


def _link(path: Path, new: Path) -> None:
    try:
        os.link(path, new)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        shutil.copyfile(path, new)
