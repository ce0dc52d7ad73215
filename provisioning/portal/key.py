"""The owner's key for administration, which the page shows once."""

from __future__ import annotations

import logging
from pathlib import Path

from appliance.system import first_key

_log = logging.getLogger(__name__)


class OwnerKey:
    """As the first boot left it in the system below `root`; without a system there is none."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root

    def show(self) -> str:
        """The key, "" once it was seen."""
        return first_key.show(self._root) if self._root else ""

    def seen(self) -> None:
        """Show it to nobody any more."""
        if self._root:
            try:
                first_key.seen(self._root)
            except OSError as error:
                _log.warning("the owner's key stays where it can be seen: %s", error)
