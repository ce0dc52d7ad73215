"""How far an import is, in a file that the status screen reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

FOLDER = Path("/run/luna-import")
_SUFFIX = ".json"
_BIGGEST = 100_000  # bytes
_NEWS_S = 900.0


class Progress(Struct, frozen=True):
    """What happens with one stick; bytes are of all files together.

    `message` is a sentence for people, `problems` are others about what was left out.
    """

    state: Literal["copying", "done", "failed"]
    message: str
    done_bytes: int = 0
    total_bytes: int = 0
    problems: tuple[str, ...] = ()

    @property
    def percent(self) -> int:
        """How much is copied."""
        return 100 * self.done_bytes // self.total_bytes if self.total_bytes else 0


def tell(folder: Path, stick: str, progress: Progress) -> None:
    """Replace what was told of `stick`. Raises OSError."""
    new = folder / f".{stick}.new"
    new.write_bytes(msgspec.json.encode(progress))
    new.replace(folder / f"{stick}{_SUFFIX}")


def teller(stick: str | None) -> Callable[[Progress], None]:
    """Tells the device's screen of `stick`; nobody where that is None."""

    def to_screen(progress: Progress) -> None:
        if stick:
            with suppress(OSError):  # a screen that knows less is no reason to stop
                tell(FOLDER, stick, progress)

    return to_screen


def told(folder: Path, now: Callable[[], float] = time.time) -> tuple[Progress, ...]:
    """What was told of sticks in the last quarter of an hour, the latest last."""
    found: list[tuple[float, Progress]] = []
    for file in folder.glob(f"[!.]*{_SUFFIX}"):
        try:
            with file.open("rb") as opened:
                progress = msgspec.json.decode(opened.read(_BIGGEST), type=Progress)
            at = file.stat().st_mtime
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        if now() - at < _NEWS_S:
            found.append((at, progress))
    return tuple(progress for _, progress in sorted(found, key=lambda each: each[0]))
