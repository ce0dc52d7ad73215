"""Where a download grows: a hidden folder, out of which a whole model is renamed into view.

<models>/.downloads/<digest of repository and file>/
    lock          held by the process that fetches it
    0.part …      what has come of a file so far; 0.etag is the version that it is of
    model/        files that are whole and verified
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import DiskFull, Retryable, StorageFailed
from appliance.models.downloads.plan import Plan
from appliance.models.manifest import NAME
from appliance.system.files import sync

_HIDDEN = ".downloads"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Area:
    """The place of one download below the folder `models`."""

    def __init__(self, models: Path, repo: str, file: str) -> None:
        self._models = models
        self.folder = models / _HIDDEN / area_name(repo, file)
        self.model = self.folder / "model"

    def part(self, number: int) -> Path:
        """What has come of the file of that number."""
        return self.folder / f"{number}.part"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the place for this process alone; raises Retryable while another has it."""
        with disk_errors(self.folder):
            self.model.mkdir(parents=True, exist_ok=True)
            lock = _lock(self.folder)
        if lock is None:
            raise Retryable("Another process fetches this model at the moment.")
        try:
            yield
        finally:
            os.close(lock)

    def bytes_here(self, plan: Plan) -> int:
        """How much of the plan is there already, finished or not."""
        paths = ((self.model / piece.path, self.part(n)) for n, piece in enumerate(plan.pieces))
        return sum(next((_size(path) for path in both if path.exists()), 0) for both in paths)

    def is_done(self, plan: Plan, number: int) -> bool:
        """Whether the file of that number is whole; only verified ones get their name."""
        piece = plan.pieces[number]
        return _size(self.model / piece.path) == piece.remote.size

    def keep(self, plan: Plan, number: int) -> None:
        """Give the file of that number, which is whole and on the disk, its name."""
        with disk_errors(self.folder):
            target = self.model / plan.pieces[number].path
            target.parent.mkdir(exist_ok=True)
            self.part(number).replace(target)
            sync(target.parent)

    def land(self, id: str, manifest: str) -> Path:
        """Show the model as the folder `id`, in place of an older one; returns its path."""
        target, old = self._models / id, self.folder / "old"
        with disk_errors(target):
            (self.model / NAME).write_text(manifest, "utf-8")
            sync(self.model / NAME)
            sync(self.model)
            if target.exists():
                target.rename(old)
            self.model.rename(target)
            sync(self._models)
        self.clear()
        return target

    def clear(self) -> None:
        """Delete everything that came; nothing else is ever in the way of a new beginning."""
        shutil.rmtree(self.folder, ignore_errors=True)


def area_name(repo: str, file: str) -> str:
    """The name of the place of a download."""
    return hashlib.sha256(f"{repo}\0{file}".encode()).hexdigest()[:32]


def sweep(models: Path, wanted: Collection[str]) -> None:
    """Delete the places that belong to no wanted download, by name, and to no other process."""
    root = models / _HIDDEN
    if not root.is_dir():
        return
    with disk_errors(root):
        for folder in root.iterdir():
            if folder.name not in wanted and (lock := _lock(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the place until it is closed; None while another has it."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Have what the disk refuses as DiskFull or StorageFailed."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull("The disk is full: delete a model or other files.") from error
        raise StorageFailed(
            f"{path} cannot be written: {error.strerror}. Who runs Luna must be able to write to "
            "the models folder."
        ) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
