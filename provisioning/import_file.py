"""WiFi networks from a USB stick or the boot partition: saved once, then scrubbed from there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from appliance.errors import NotFound
from provisioning import wifi_file, wpa_supplicant
from provisioning.credentials import Credentials, printable
from provisioning.wifi_file import BadWifiFile, WifiFile

REPORT: Final = "luna-wifi-imported.txt"
_LONGEST: Final = 1 << 20
_PARSERS: Final[tuple[tuple[str, Callable[[bytes], WifiFile]], ...]] = (
    (wifi_file.NAME, wifi_file.parse),
    (wpa_supplicant.NAME, wpa_supplicant.parse),
)


class Target(Protocol):
    """The provisioning service, as far as an import needs it."""

    def remember(self, ssid: bytes, secret: bytes, options: dict[str, bool | str], /) -> None:
        """Save a network."""

    def set_country(self, code: str, /) -> None:
        """Set the country."""

    def stop_hotspot(self) -> None:
        """Give known networks the radio."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file with networks."""

    path: Path
    content: WifiFile


def take_over(folder: Path, target: Target) -> tuple[Credentials, ...]:
    """Save the networks of the file in `folder`, then remove it; what was saved.

    The file is tried for writing first: passwords that cannot be removed are not taken, so that a
    stick which somebody forgot does not change the box at every start. Raises NotFound,
    BadWifiFile, BadCredentials, or what `target` raises; then the file stays.
    """
    found = find(folder)
    networks = found.content.networks
    if found.content.country:
        target.set_country(found.content.country)
    for each in networks:
        target.remember(each.ssid, each.secret, options(each))
    scrub(found.path)
    names = "".join(f"- {printable(each.ssid)}\n" for each in networks)
    report = f"Luna has saved these networks and removed {found.path.name}:\n{names}"
    (folder / REPORT).write_text(report, "utf-8")
    if networks:
        target.stop_hotspot()
    return networks


def find(folder: Path) -> Found:
    """The first file that there is; names in any case, as FAT has them. Raises as `take_over`."""
    try:
        there = {path.name.lower(): path for path in folder.iterdir() if path.is_file()}
    except OSError as error:
        raise NotFound(f"The folder {folder} cannot be read: {error.strerror}.") from error
    for name, parse in _PARSERS:
        if name in there:
            return Found(there[name], parse(_read(there[name])))
    names = " or ".join(name for name, _ in _PARSERS)
    raise NotFound(f"There is no {names} in {folder}.")


def options(credentials: Credentials) -> dict[str, bool | str]:
    """The options of `Remember` that say the same."""
    told: dict[str, bool | str] = {"hidden": credentials.hidden}
    if credentials.security is not None:
        told["security"] = str(credentials.security)
    if credentials.account is not None:
        told["identity"] = credentials.account.identity
        told["method"] = str(credentials.account.tunnel)
        told["anonymous"] = credentials.account.anonymous
        told["domain"] = credentials.account.domain
        told["certificate"] = credentials.account.certificate
    return {name: value for name, value in told.items() if value}


def scrub(path: Path) -> None:
    """Overwrite a file and remove it; flash may keep the old blocks, but no file shows them."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _read(path: Path) -> bytes:
    try:
        with path.open("r+b") as file:  # for writing too: see `take_over`
            return file.read(_LONGEST)
    except OSError as error:
        raise BadWifiFile(
            f"{path.name} cannot be read and removed afterwards ({error.strerror}); "
            "make the medium writable."
        ) from error
