"""Keeps clocks pinned while it runs and it is cool, and leaves them as they were."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from appliance.performance import policy
from appliance.system.board import read_temperatures
from appliance.system.ending import Ending
from appliance.system.files import write_durably
from appliance.system.governors import Governor, GovernorStuck, read_governors

_PINNED = "performance"  # the governor of that name: always the highest clock
_BEFORE = "governors.json"
_log = logging.getLogger(__name__)


class Keeper:
    """Of the machine below `root`; `folder` outlives this process, but not the machine's boot.

    What governed before is kept there: who is killed finds what to give back.
    """

    def __init__(self, folder: Path, root: Path = Path("/")) -> None:
        self._root = root
        self._file = folder / _BEFORE
        self._before = self._known()
        self._pinned = False
        self._stuck: set[str] = set()

    def run(self, stop: Ending, interval: float) -> None:
        """Look every `interval` seconds until `stop`, then give everything back."""
        try:
            while True:
                self.step()
                if stop.wait(interval):
                    return
        finally:
            self.give_back()

    def step(self) -> None:
        """Look once, and do what is to be done."""
        wanted = policy.pin(read_temperatures(self._root / "sys"), pinned=self._pinned)
        if wanted != self._pinned:
            _log.info("clocks are %s", "pinned" if wanted else "given back: it is too warm")
        self._pinned = wanted
        if wanted:
            self._pin()
        else:
            self.give_back()

    def give_back(self) -> None:
        """Let those govern that did before."""
        for governor in read_governors(self._root):
            before = self._before.get(str(governor.file))
            if before and governor.now == _PINNED != before:
                self._set(governor, before)

    def _pin(self) -> None:
        for governor in read_governors(self._root):
            if governor.now != _PINNED and _PINNED in governor.choices:
                self._before.setdefault(str(governor.file), governor.now)
                write_durably(self._file, msgspec.json.encode(self._before))
                self._set(governor, _PINNED)

    def _set(self, governor: Governor, name: str) -> None:
        try:
            governor.set(name)
        except GovernorStuck as error:
            if error.message not in self._stuck:
                self._stuck.add(error.message)
                _log.warning("%s", error)

    def _known(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}
