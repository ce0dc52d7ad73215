"""What a failed join means, as far as it can be known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from provisioning.attempt import Ending
from provisioning.credentials import Credentials, Security, printable
from provisioning.nm.names import Reason
from provisioning.results import Outcome, Result, result

_OUTCOMES: Final[Mapping[int, Outcome]] = {
    Reason.NO_SECRETS: Outcome.WRONG_PASSWORD,
    Reason.SSID_NOT_FOUND: Outcome.NOT_IN_RANGE,
    Reason.IP_CONFIG_UNAVAILABLE: Outcome.NO_ADDRESS,
    Reason.DHCP_START_FAILED: Outcome.NO_ADDRESS,
    Reason.DHCP_ERROR: Outcome.NO_ADDRESS,
    Reason.DHCP_FAILED: Outcome.NO_ADDRESS,
    Reason.IP_ADDRESS_DUPLICATE: Outcome.NO_ADDRESS,
    Reason.REMOVED: Outcome.UNAVAILABLE,
    Reason.FIRMWARE_MISSING: Outcome.UNAVAILABLE,
    Reason.USER_REQUESTED: Outcome.CANCELLED,
    Reason.NEW_ACTIVATION: Outcome.CANCELLED,
}
_WITHOUT_SECRET: Final = (Security.OPEN, Security.OWE)
_WPA3: Final = (Security.SAE, Security.TRANSITION)


def judge(ssid: bytes, security: Security, ending: Ending, *, heard: bool = False) -> Result:
    """What to tell about an activation that failed; `heard` says that the network is still there.

    A radio filter in the router, or trouble with protected management frames, looks like a wrong
    password to NetworkManager: the sentence says "probably". Until 1.58 it takes an access point
    that ends every try at WPA3, as it does for a wrong password, for one that is not there.
    """
    outcome = _outcome(ending)
    if heard and outcome is Outcome.NOT_IN_RANGE:
        outcome = Outcome.REFUSED
    if heard and security in _WPA3 and outcome in (Outcome.REFUSED, Outcome.TIMED_OUT):
        outcome = Outcome.WRONG_PASSWORD
    if outcome is Outcome.WRONG_PASSWORD and security in _WITHOUT_SECRET:
        outcome = Outcome.REFUSED
    return result(ssid, outcome)


def _outcome(ending: Ending) -> Outcome:
    if ending.thrown_out:
        return Outcome.TIMED_OUT
    if ending.reason is None:
        if ending.addressing:
            return Outcome.NO_ADDRESS
        return Outcome.WRONG_PASSWORD if ending.asked_again else Outcome.TIMED_OUT
    usual = Outcome.WRONG_PASSWORD if ending.asked_again else Outcome.REFUSED
    return _OUTCOMES.get(ending.reason, usual)


def mismatch(credentials: Credentials, kinds: Collection[Security]) -> Result:
    """The network is there, but not one that these credentials can open."""
    name = printable(credentials.ssid)
    if all(kind is Security.UNSUPPORTED for kind in kinds):
        return result(credentials.ssid, Outcome.UNSUPPORTED)
    if all(kind in (*_WITHOUT_SECRET, Security.UNSUPPORTED) for kind in kinds):
        # Whoever knows a password expects protection: this may be somebody else's network.
        text = f"{name} is an open network. Leave the password empty if you want to use it."
    elif Security.ENTERPRISE in kinds and not credentials.account:
        text = f"{name} needs a user name and a password."
    elif credentials.account is not None:
        text = f"{name} needs a password and no user name."
    elif not credentials.secret:
        text = f"{name} needs a password."
    else:
        text = f"{name} uses WPA3, which needs the password itself and not a key made from it."
    return result(credentials.ssid, Outcome.MISMATCH, text)
