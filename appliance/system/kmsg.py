"""The kernel's log, as it goes on (dev-kmsg of the kernel's ABI documents)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from appliance.errors import ReadingUnavailable

_RECORD_BYTES = 8192  # a longer record does not exist: LOG_LINE_MAX and its dictionary
_MOST_RECORDS = 20_000  # of one reading; a flood of them must not hold up who reads


@dataclass(frozen=True, slots=True)
class KernelLine:
    """A message; `at` is in seconds since boot, by the kernel's own clock."""

    at: float
    text: str


class KernelLog:
    """What the kernel says; the first reading gives what it remembers, later ones what is new.

    Raises ReadingUnavailable where this user may not read it. Use as a context.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        path = root / "dev/kmsg"
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise ReadingUnavailable(
                f"The kernel's log cannot be read from {path} ({error.strerror}); give its reader "
                "the capability CAP_SYSLOG."
            ) from error
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Read no more."""
        os.close(self._file)

    def read(self) -> tuple[KernelLine, ...]:
        """What was said since the last reading; never waits. Broken records are left out."""
        lines = (parse_record(line) for line in self._lines())
        return tuple(line for line in lines if line is not None)

    def _lines(self) -> Iterator[str]:
        for _ in range(_MOST_RECORDS):
            try:
                data = os.read(self._file, _RECORD_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.EPIPE:  # overtaken: the oldest records are gone
                    continue
                return
            if not data:  # a plain file, as a test has it
                return
            *whole, self._rest = (self._rest + data).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)


def parse_record(line: str) -> KernelLine | None:
    """`6,339,5140900,-;NET: Registered` gives 5.1409 and its text; else None.

    Lines that begin with a space belong to the dictionary of the record before.
    """
    head, separator, text = line.partition(";")
    fields = head.split(",")
    if not separator or len(fields) < 3 or line.startswith(" "):
        return None
    number = fields[2]
    if not (number.isascii() and number.isdecimal() and len(number) < 20):
        return None
    return KernelLine(int(number) / 1e6, text)
