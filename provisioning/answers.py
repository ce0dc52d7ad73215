"""Our records as the D-Bus interface shows them, and its options as our records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.system.bus import Variant
from provisioning.credentials import Account, BadCredentials, Credentials, Security, Tunnel
from provisioning.nm.profile import Profile
from provisioning.service import Attempt, Service
from provisioning.survey import Network

Fields = dict[str, Variant]

# Option of Join and Remember → its type.
OPTIONS: Final[Mapping[str, type]] = {
    "hidden": bool,
    "security": str,
    "identity": str,
    "method": str,
    "anonymous": str,
    "domain": str,
    "certificate": str,
}


def credentials(ssid: bytes, secret: bytes, options: Mapping[str, Any]) -> Credentials:
    """What was entered. Raises BadCredentials."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise BadCredentials(f"There is no option {name!r}; use {', '.join(OPTIONS)}.")
        if not isinstance(value, OPTIONS[name]):
            raise BadCredentials(f"The option {name} has to be {OPTIONS[name].__name__}.")
    account = None
    if options.get("identity"):
        account = Account(
            identity=options["identity"],
            tunnel=_one_of(Tunnel, "method", options.get("method") or Tunnel.PEAP),
            anonymous=options.get("anonymous", ""),
            domain=options.get("domain", ""),
            certificate=options.get("certificate", ""),
        )
    wanted = options.get("security")
    security = _one_of(Security, "security", wanted) if wanted else None
    return Credentials(ssid, secret, options.get("hidden", False), security, account)


def network(each: Network, now: float) -> Fields:
    """One line of the list; `age` in seconds."""
    return {
        "ssid": Variant("ay", each.ssid),
        "security": Variant("s", each.security),
        "strength": Variant("y", each.strength),
        "frequency": Variant("u", each.frequency),
        "age": Variant("u", max(int(now - each.seen), 0)),
    }


def known(each: Profile) -> Fields:
    """A saved network; `used` in seconds since 1970."""
    return {
        "ssid": Variant("ay", each.ssid),
        "hidden": Variant("b", each.hidden),
        "priority": Variant("i", each.priority),
        "used": Variant("t", each.used),
    }


def last_result(attempt: Attempt | None) -> Fields:
    """How the last join ended; empty before the first."""
    if attempt is None:
        return {}
    ended = attempt.result
    return {
        "attempt": Variant("u", attempt.number),
        "ssid": Variant("ay", ended.ssid),
        "outcome": Variant("s", ended.outcome),
        "message": Variant("s", ended.message),
        "addresses": Variant("as", list(ended.addresses)),
    }


def setup_network(service: Service) -> Fields:
    """The setup network, whether it is up or not."""
    model, setup = service.model, service.means.setup
    return {
        "up": Variant("b", model.world.hosting),
        "ssid": Variant("ay", setup.ssid),
        "open": Variant("b", not setup.passphrase or model.open),
        "address": Variant("s", setup.address),
        "guests": Variant("u", model.world.guests),
        "stays": Variant("b", model.world.radios > 1),
    }


def _one_of(kind: Any, name: str, value: str) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(kind)
        raise BadCredentials(f"{name} {value!r} is unknown; use one of {choices}.") from error
