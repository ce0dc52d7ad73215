"""The key of the first boot, taken into the database."""

from __future__ import annotations

import logging
from pathlib import Path

from appliance.errors import BadRequest, LunaError
from appliance.store.keys import Keys
from appliance.system import first_key

_log = logging.getLogger(__name__)


def take_in(folder: Path, keys: Keys) -> None:
    """Know the key that was handed over in the server's folder, if one was.

    What does not work now is tried again at the next start.
    """
    key = first_key.handed(folder)
    if key is None:
        return
    try:
        keys.add(key.name, ["admin"], key.digest_bytes)
        _log.info("the key '%s' of the first boot opens the administration", key.name)
    except BadRequest:
        _log.info("there is a key '%s' already", key.name)  # of a start that was cut off
    except LunaError as error:
        _log.warning("the key of the first boot is not known yet: %s", error)
        return
    try:
        first_key.taken(folder)
    except OSError as error:
        _log.warning("%s", error)
