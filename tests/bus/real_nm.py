"""A real NetworkManager without radios, in a network namespace, on the test's own bus."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bus.daemon import Daemon
from tests.helpers import networkmanager

# Beside its profiles it has the answers of the setup network's DNS.
_SHARED = "mount -t tmpfs none /etc/NetworkManager && cp -r {folder} /etc/NetworkManager"
ROOT = Path(__file__).parents[2]
SHARED = ROOT / "systemd/networkmanager/dnsmasq-shared.d"
_numbers = itertools.count(os.getpid() * 100)


class RealNetworkManager:
    """Runs from the beginning of the context to its end."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self._daemon = daemon
        self._folder = folder
        self._namespace = f"nm{next(_numbers)}"
        self.profiles = folder / "profiles"

    def __enter__(self) -> Self:
        folder = self._folder
        command = networkmanager.prepare(folder, _SHARED.format(folder=SHARED))
        _ip("netns", "add", self._namespace)
        own = ("-n", self._namespace)
        _ip(*own, "link", "set", "lo", "up")
        # A cable `eth0`, whose other end `far` is nobody's.
        _ip(*own, "link", "add", "eth0", "type", "veth", "peer", "name", "far")
        _ip(*own, "link", "set", "far", "up")
        with (folder / "nm.log").open("wb") as log:
            self._process = subprocess.Popen(
                self.command(*command),
                env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self._daemon.address},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def command(self, *words: str) -> list[str]:
        """What runs `words` on this machine."""
        return ["ip", "netns", "exec", self._namespace, *words]

    @property
    def files(self) -> list[Path]:
        """Saved profiles; certificates lie beside them."""
        return list(self.profiles.glob("*.nmconnection"))

    @property
    def log(self) -> str:
        """What it said so far."""
        return (self._folder / "nm.log").read_text("utf-8", "replace")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            _ip("netns", "del", self._namespace)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)
