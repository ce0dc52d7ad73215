"""How a real NetworkManager is started beside the machine's own: without radios, alone on a bus."""

from __future__ import annotations

from pathlib import Path

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


def prepare(folder: Path, *before: str) -> list[str]:
    """The command that runs it, to be given a network namespace and DBUS_SYSTEM_BUS_ADDRESS.

    It keeps everything in `folder`, its profiles in `profiles` there. `before` are further commands
    of a shell, in its own view of the file system.
    """
    (folder / "profiles").mkdir()
    (folder / "manager.conf").write_text(_CONFIGURATION.format(folder=folder))
    options = (
        f"--debug --config={folder}/manager.conf --config-dir={folder}/none"
        f" --system-config-dir={folder}/none --intern-config={folder}/intern.conf"
        f" --state-file={folder}/state --pid-file={folder}/pid"
    )
    script = " && ".join([_PRIVATE, *before, f"exec NetworkManager {options}"])
    return ["unshare", "--mount", "sh", "-c", script]
