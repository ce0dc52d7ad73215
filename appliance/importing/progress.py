"""How far an import is, in a file that the status screen reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

FOLDER = Path("/run/luna-import")
_SUFFIX = ".json"
_BIGGEST = 100_000  # bytes


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


def told(folder: Path) -> tuple[Progress, ...]:
    """What is known of every stick since the machine was started, the latest last."""
    found: list[tuple[int, Progress]] = []
    for file in folder.glob(f"[!.]*{_SUFFIX}"):
        try:
            with file.open("rb") as opened:
                progress = msgspec.json.decode(opened.read(_BIGGEST), type=Progress)
            found.append((file.stat().st_mtime_ns, progress))
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
    return tuple(progress for _, progress in sorted(found, key=lambda each: each[0]))
