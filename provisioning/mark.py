"""A file that is there while the box waits to be set up: discovery tells apps of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from provisioning.service import Service
from provisioning.situation import State

NAME: Final = "setup"
_log = logging.getLogger(__name__)


class Mark:
    """Keeps the file as the service is, from `follow` on.

    It is there before the setup network is, whose new address makes discovery look for it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def follow(self, service: Service) -> None:
        """Do as this service does."""
        service.on_change(lambda: self._set(wanted=service.model.state is State.HOTSPOT))
        self._set(wanted=False)

    def _set(self, *, wanted: bool) -> None:
        try:
            if wanted:
                self._file.touch()
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("apps are not told the right thing: %s", error)
