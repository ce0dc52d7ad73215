"""The model for those who name none, which in this API are most."""

from __future__ import annotations

from appliance.errors import ModelNotFound
from appliance.models.folder import Entry
from appliance.models.registry import Registry


class Choice:
    """The model that was loaded last by this API, as long as it is there and good."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._chosen = ""

    def choose(self, entry: Entry) -> None:
        """This model answers from now on."""
        self._chosen = entry.id

    def name(self) -> str:
        """Its id, or "" for the device's default."""
        if not self._chosen:
            return ""
        try:
            entry = self._registry.find(self._chosen)
        except ModelNotFound:
            return ""
        usable = entry.usable and not self._registry.load_failure(entry)
        return entry.id if usable else ""
