"""Room on the file system that holds a folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ReadingUnavailable


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the file system, and bytes of it that an ordinary user may still write."""

    total_bytes: int
    free_bytes: int


def read_disk(folder: Path) -> Disk:
    """The file system of `folder`, or of its nearest parent that exists.

    Raises ReadingUnavailable.
    """
    place = folder.absolute()
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        usage = shutil.disk_usage(place)
    except OSError as error:
        raise ReadingUnavailable(
            f"The free space of {folder} cannot be read ({error.strerror});"
            " check that the disk is mounted and that Luna may enter the folder."
        ) from error
    return Disk(usage.total, usage.free)
