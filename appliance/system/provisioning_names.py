"""Where the WiFi provisioning service is on the message bus; it and its callers agree on these."""

from __future__ import annotations

from typing import Final

SERVICE: Final = "org.luna.Provisioning1"
PATH: Final = "/org/luna/Provisioning1"
INTERFACE: Final = "org.luna.Provisioning1"
