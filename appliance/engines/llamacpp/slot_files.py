"""The files that slots are saved to: one folder for each version of a model, within a budget."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from appliance.engines.base import ModelSpec
from appliance.errors import BadRequest

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class SlotFiles:
    """The saved slots of one model below `root`, which all models share, and its `most_bytes`."""

    def __init__(self, root: Path, spec: ModelSpec, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self.folder = root / _version(spec)

    def make_folder(self) -> None:
        """Have the folder there, for this user only: it holds what people said."""
        with suppress(OSError):  # a model is of use without it; saving will then fail
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def checked(self, name: str) -> str:
        """A plain file name; raises BadRequest for anything that could lead elsewhere."""
        if not _NAME.fullmatch(name):
            raise BadRequest(
                "Invalid filename: use up to 128 letters, digits, dots, dashes and underscores, "
                "without a folder.",
                param="filename",
            )
        return name

    def size(self, name: str) -> int:
        """Bytes of a saved slot; raises BadRequest where there is none."""
        try:
            return (self.folder / self.checked(name)).stat().st_size
        except OSError as error:
            raise BadRequest(
                f"There is no saved slot '{name}' of this model; save one first.", param="filename"
            ) from error

    def tidy(self, newest: str) -> None:
        """Remove the oldest files of any model until the rest fits; `newest` stays."""
        files = [file for file in self._root.glob("*/*") if file.is_file()]
        known = sorted(((file.stat(), file) for file in files), key=lambda each: each[0].st_mtime)
        excess = sum(stat.st_size for stat, _ in known) - self._most_bytes
        for stat, file in known:
            if excess > 0 and file != self.folder / newest:
                file.unlink(missing_ok=True)
                excess -= stat.st_size


def _version(spec: ModelSpec) -> str:
    """A name that changes with the file: what one model computed means nothing to another."""
    try:
        changed = spec.path.stat().st_mtime_ns
    except OSError:
        changed = 0  # it cannot be loaded either
    parts = (spec.id, spec.size_bytes, spec.context, changed)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
