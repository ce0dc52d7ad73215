"""The first boot, step by step: each leaves what is there alone, so all may be repeated."""

from __future__ import annotations

import grp
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.domain.keys import digest, new_secret
from appliance.errors import ConfigError, LunaError
from appliance.firstboot import certificate, forget, hostname
from appliance.firstboot.places import Places
from appliance.system import first_key, identity, label
from appliance.system.bus import BusError
from appliance.system.files import remove_durably, write_durably
from appliance.system.first_key import FirstKey
from appliance.system.identity import Identity

DONE = "done"
BOOT_FILE = "luna-setup.toml"  # on the boot partition: id and passphrase, as on the label
_NET_GROUP, _SERVER_GROUP = "luna-net", "luna"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the steps use of the system."""

    make_certificate: Callable[[Identity, Path, Path], None] = certificate.make_certificate
    has_no_name: Callable[[], bool] = hostname.is_unchosen
    set_host_name: hostname.SetName = hostname.set_host_name
    new_secret: Callable[[], str] = new_secret


@dataclass(slots=True)
class FirstBoot:
    """All steps; `run` returns whether every one is done."""

    places: Places
    tools: Tools = field(default_factory=Tools)

    def run(self) -> bool:
        """Do what is left to do; a step that fails is tried again at the next boot."""
        complete = True
        for step in self._steps():
            try:
                step()
            except (LunaError, OSError) as error:
                complete = False
                _log.error("%s", error)
        if complete:
            write_durably(self.places.state / DONE, b"")
        return complete

    def _steps(self) -> Iterator[Callable[[], None]]:
        yield self._reset
        yield self._folders
        yield self._identity
        yield self._label
        yield self._host_name
        yield self._certificate
        yield self._owner

    def _reset(self) -> None:
        if wish := forget.take_wish(self.places):
            forget.forget(self.places, wish)
            _log.info("everything was forgotten%s", " with all models" * wish.models)

    def _folders(self) -> None:
        for folder in (self.places.settings, self.places.state):
            folder.mkdir(parents=True, exist_ok=True)

    def _identity(self) -> None:
        file = self.places.settings / identity.FILE
        if not file.exists():
            given = self.places.on_boot_partition(BOOT_FILE)
            made = identity.make_identity(self.places.root, given)
            text = f'id = "{made.id}"\nname = "{made.name}"\n'
            write_durably(file, text.encode())
            _log.info("this device is %s", made.name)

    def _label(self) -> None:
        """What is on the boot partition counts: it was put there together with the label."""
        given = self.places.on_boot_partition(BOOT_FILE)
        file = self.places.settings / label.FILE
        passphrase = label.read_passphrase(given) if given else ""
        if passphrase and passphrase != _known_passphrase(file):
            text = f"passphrase = {_quoted(passphrase)}\n"
            write_durably(file, text.encode(), 0o640, _group(_NET_GROUP))
            _log.info("the setup network has the label's passphrase")

    def _host_name(self) -> None:
        """A machine works with any, so this is no reason to fail."""
        try:
            if self.tools.has_no_name():
                self.tools.set_host_name(self._who().name)
        except (BusError, OSError) as error:
            _log.warning("the host name stays as it is: %s", error)

    def _certificate(self) -> None:
        """The certificate comes last: where it is, its key is, too."""
        folder = self.places.state / "tls"
        folder.mkdir(mode=0o755, exist_ok=True)
        done = folder / "certificate.pem"
        key, made = folder / "key.draft", folder / "certificate.draft"
        if not done.exists():
            self.tools.make_certificate(self._who(), key, made)
            write_durably(folder / "key.pem", key.read_bytes(), 0o640, _group(_SERVER_GROUP))
            write_durably(done, made.read_bytes())
        remove_durably(key)
        remove_durably(made)

    def _owner(self) -> None:
        """A key for administration. What comes last says that it is made: it may be seen since."""
        made = self.places.state / "owner-key-made"
        if made.exists():
            return
        folder = (self.places.root / first_key.SHOWN).parent
        folder.mkdir(exist_ok=True)
        os.chown(folder, -1, _group(_NET_GROUP))
        folder.chmod(0o770)  # who shows it takes it away afterwards
        secret = self.tools.new_secret()
        first_key.hand_over(self.places.data, FirstKey("owner", digest(secret).hex()))
        text = f"{secret}\n".encode()
        write_durably(self.places.root / first_key.SHOWN, text, 0o640, _group(_NET_GROUP))
        write_durably(made, b"")

    def _who(self) -> Identity:
        return identity.read_identity(root=self.places.root)


def _known_passphrase(file: Path) -> str:
    try:
        return label.read_passphrase(file)
    except ConfigError:
        return ""  # it is written anew


def _quoted(text: str) -> str:
    """A TOML string of printable ASCII."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _group(name: str) -> int:
    """The group's number; where it is not there, on no device of ours, -1 leaves things alone."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1
