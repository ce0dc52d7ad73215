"""A real NetworkManager on a host, with a system bus of its own, and one profile."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.helpers.wire import eventually
from tests.network.avahi import BUS
from tests.network.lab import Host

_CONFIGURATION = """[main]
plugins=keyfile
auth-polkit=false
dhcp=internal
dns=none
rc-manager=unmanaged
systemd-resolved=false
no-auto-default=*
[keyfile]
path={folder}/profiles
[logging]
level=INFO
"""
# It must not wait for udev, which is not there: a /sys that cannot be written tells it so.
_PRIVATE = "mount -t tmpfs none /run && mkdir /run/NetworkManager && mount -o remount,bind,ro /sys"


class NetworkManager:
    """Runs on `host` with the profile in `file`, as it is shipped."""

    def __init__(self, host: Host, file: Path) -> None:
        folder = host.folder
        bus = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"}
        (folder / "profiles").mkdir()
        shutil.copy(file, folder / "profiles")
        (folder / "profiles" / file.name).chmod(0o600)
        (folder / "bus.conf").write_text(BUS.format(socket=folder / "bus"))
        (folder / "manager.conf").write_text(_CONFIGURATION.format(folder=folder))
        host.start("dbus-daemon", "--nofork", f"--config-file={folder}/bus.conf")
        eventually(lambda: (folder / "bus").exists(), "the bus")
        options = (
            f"--debug --config={folder}/manager.conf --config-dir={folder}/none"
            f" --system-config-dir={folder}/none --intern-config={folder}/intern.conf"
            f" --state-file={folder}/state --pid-file={folder}/pid"
        )
        daemon = f"{_PRIVATE} && exec NetworkManager {options}"
        host.start("unshare", "--mount", "sh", "-c", daemon, env=bus)
