"""The way to NetworkManager: calls, with its errors translated to ours."""

from __future__ import annotations

from typing import Any, Final

from appliance.errors import LunaError
from appliance.system.bus import Bus, CallFailed
from provisioning.nm.names import PROPERTIES, SERVICE

_BUS: Final = "org.freedesktop.DBus.Error."
# An object that has gone, an access point for example, is an UnknownMethod to NetworkManager.
_GONE: Final = frozenset(
    f"{_BUS}{name}"
    for name in (
        "Disconnected",
        "NameHasNoOwner",
        "NoReply",
        "ServiceUnknown",
        "UnknownInterface",
        "UnknownMethod",
        "UnknownObject",
        "UnknownProperty",
    )
) | {f"{SERVICE}.{name}" for name in ("UnknownDevice", "UnknownConnection", "ConnectionNotActive")}
_FORBIDDEN: Final = frozenset(
    {f"{_BUS}AccessDenied", f"{_BUS}AuthFailed", f"{_BUS}InteractiveAuthorizationRequired"}
)


class NetworkManagerError(LunaError):
    """NetworkManager refused; its own words are in the message."""

    code = "networkmanager_error"


class Gone(NetworkManagerError):
    """The object is not there any more, or NetworkManager itself is not."""

    code = "networkmanager_gone"


class Forbidden(NetworkManagerError):
    """This process may not do that."""

    code = "networkmanager_forbidden"


class Link:
    """Calls of NetworkManager over one connection to the bus.

    Each raises Gone, Forbidden, NetworkManagerError, or a BusError of the connection itself.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> tuple[Any, ...]:
        """The answer's body, without variants."""
        try:
            return await self.bus.call(SERVICE, path, interface, member, signature, *body)
        except CallFailed as error:
            raise translate(error) from error

    async def get(self, path: str, interface: str, name: str) -> Any:
        """A property as it is now."""
        (value,) = await self.call(path, PROPERTIES, "Get", "ss", interface, name)
        return value


def translate(error: CallFailed) -> NetworkManagerError:
    """The same error in our terms."""
    if error.name in _GONE:
        return Gone(f"NetworkManager does not have it any more: {error.message}")
    if error.name in _FORBIDDEN or error.name.endswith(".PermissionDenied"):
        return Forbidden(
            f"NetworkManager does not let this service do that ({error.message}); "
            "check the polkit rules in /etc/polkit-1/rules.d/50-luna.rules."
        )
    return NetworkManagerError(f"NetworkManager refused: {error.message}")
