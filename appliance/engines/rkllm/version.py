"""The version of a librkllmrt.so, read from the file: no function of the library tells it.

The library announces itself as `rkllm-runtime version: %s` and keeps the version as a string of
its own among its constants. A file of two such strings is not decided here: its owner has to say
which one it is (`confirmed`), and only what stands in the file is believed.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from appliance.engines.rkllm.failures import LibraryRefused

_ELF = b"\x7fELF"
_LARGEST = 256 * 2**20  # bytes; the vendor's library has under ten million
_MARK = b"rkllm-runtime version: "
_NUMBER = rb"[1-9]\d{0,2}\.\d{1,3}\.\d{1,3}[a-z0-9]{0,6}"
_SPELT_OUT = re.compile(re.escape(_MARK) + rb"v?(" + _NUMBER + rb")")
_ALONE = re.compile(rb"(?<=\0)" + _NUMBER + rb"(?=\0)")


class Generation(Enum):
    """Versions with one layout of all structs."""

    V1_2 = "1.2"
    V1_3 = "1.3"


SUPPORTED = {
    "1.2.1": Generation.V1_2,
    "1.2.2": Generation.V1_2,
    "1.2.3": Generation.V1_2,
    "1.3.0": Generation.V1_3,
}
_REMEDY = "Install librkllmrt.so 1.3.0 (or 1.2.1 to 1.2.3) from the vendor's rknn-llm release."


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """A version that Luna speaks, such as "1.2.3"."""

    text: str

    @property
    def generation(self) -> Generation:
        """Which layout its structs have."""
        return SUPPORTED[self.text]


def read_version(path: Path, confirmed: str = "") -> RuntimeVersion:
    """The version of the library at `path`; raises LibraryRefused.

    `confirmed` is what the owner says, for a file in which several versions stand.
    """
    found = versions_in(path)
    if confirmed:
        if confirmed not in found:
            raise LibraryRefused(
                f"{path} is not version {confirmed}, as the settings say: {_named(found)} stands "
                f"in it. Correct the setting, or remove it."
            )
        found = (confirmed,)
    if len(found) > 1:
        raise LibraryRefused(
            f"{path} mentions several versions ({_named(found)}), so it is not certain which one "
            "it is. Say in the settings which one was installed."
        )
    (text,) = found
    if text not in SUPPORTED:
        raise LibraryRefused(f"{path} is RKLLM {text}, which Luna does not speak. {_REMEDY}")
    return RuntimeVersion(text)


def versions_in(path: Path) -> tuple[str, ...]:
    """Every version that the library can have by its constants, sorted, at least one.

    The file is mapped, never read as a whole. Raises LibraryRefused.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if file.read(4) != _ELF:
                raise LibraryRefused(
                    f"{path} is no shared library (a page saved by a browser, or a pointer of "
                    f"Git LFS?). {_REMEDY}"
                )
            if size > _LARGEST:
                raise LibraryRefused(f"{path} is too large for RKLLM's library. {_REMEDY}")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found = _search(data)
    except OSError as error:
        raise LibraryRefused(
            f"The NPU runtime {path} cannot be read ({error.strerror}). {_REMEDY}"
        ) from error
    if not found:
        raise LibraryRefused(f"{path} does not say that it is RKLLM's library. {_REMEDY}")
    return tuple(sorted(found))


def _search(data: mmap.mmap) -> set[str]:
    """The version that the announcement spells out, else every version that stands alone."""
    if data.find(_MARK) < 0:
        return set()
    spelt_out = {found[1].decode() for found in _SPELT_OUT.finditer(data)}
    return spelt_out or {found[0].decode() for found in _ALONE.finditer(data)}


def _named(versions: tuple[str, ...]) -> str:
    return ", ".join(versions)
