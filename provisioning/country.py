"""The country that the radio obeys: kept in a file, told to the kernel."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.errors import BadRequest, LunaError
from appliance.system.files import write_durably

_CODE: Final = re.compile(r"[A-Z]{2}")
_log = logging.getLogger(__name__)


class BadCountry(BadRequest):
    """Not two letters, or the country could not be set."""

    code = "bad_country"


class Country:
    """`code` is of ISO 3166-1, empty as long as nobody has said it: then the radio decides.

    `tell` sets the kernel's regulatory domain; it blocks, and raises LunaError.
    """

    def __init__(self, file: Path, tell: Callable[[str], None]) -> None:
        self._file = file
        self._tell = tell
        self.code = ""

    async def restore(self) -> None:
        """Tell the kernel again after a boot; a failure is only logged."""
        try:
            self.code = checked(self._file.read_text("ascii").strip())
            await asyncio.to_thread(self._tell, self.code)
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError, LunaError) as error:
            _log.warning("the country cannot be restored: %s", error)

    async def set(self, code: str) -> None:
        """Use a country from now on. Raises BadCountry, or what `tell` raises."""
        checked(code)
        await asyncio.to_thread(self._tell, code)
        try:
            await asyncio.to_thread(_write, self._file, code)
        except OSError as error:
            raise BadCountry(
                f"The country {code} is set, but not for the next start: {error.strerror}."
            ) from error
        self.code = code


def checked(code: str) -> str:
    """The code itself. Raises BadCountry."""
    if not _CODE.fullmatch(code):
        raise BadCountry(
            f"{code!r} is no country: use two capital letters of ISO 3166, for example DE or US."
        )
    return code


def _write(file: Path, code: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, f"{code}\n".encode())
