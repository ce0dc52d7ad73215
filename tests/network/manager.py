"""A real NetworkManager on a host, with a system bus of its own, and one profile."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.helpers import networkmanager
from tests.helpers.wire import eventually
from tests.network.avahi import BUS
from tests.network.lab import Host


class NetworkManager:
    """Runs on `host` with the profile in `file`, as it is shipped."""

    def __init__(self, host: Host, file: Path) -> None:
        folder = host.folder
        command = networkmanager.prepare(folder)
        shutil.copy(file, folder / "profiles")
        (folder / "profiles" / file.name).chmod(0o600)
        (folder / "bus.conf").write_text(BUS.format(socket=folder / "bus"))
        host.start("dbus-daemon", "--nofork", f"--config-file={folder}/bus.conf")
        eventually(lambda: (folder / "bus").exists(), "the bus")
        host.start(*command, env={"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"})
