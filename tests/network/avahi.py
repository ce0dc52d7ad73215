"""A real avahi-daemon on a host, with a system bus of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from tests.helpers.wire import eventually
from tests.network.lab import Host

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>
"""
_DAEMON = "[server]\nhost-name={name}\nuse-ipv4=yes\nuse-ipv6=yes\n[publish]\npublish-hinfo=no\n"
# The daemon's own folder in /run is one for each host.
_PRIVATE_RUN = "mount -t tmpfs none /run && mkdir /run/avahi-daemon && exec "
_OPTIONS = "--no-drop-root --no-chroot --no-rlimits"


class Avahi:
    """avahi-daemon on `host`, which calls itself `name`.local."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        folder = host.folder
        self._bus = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"}
        (folder / "bus.conf").write_text(BUS.format(socket=folder / "bus"))
        (folder / "avahi.conf").write_text(_DAEMON.format(name=name))
        host.start("dbus-daemon", "--nofork", f"--config-file={folder}/bus.conf")
        eventually(lambda: (folder / "bus").exists(), "the bus")
        daemon = f"avahi-daemon {_OPTIONS} -f {folder}/avahi.conf"
        host.start("unshare", "--mount", "sh", "-c", f"{_PRIVATE_RUN} {daemon}", env=self._bus)
        eventually(lambda: "Server startup complete" in host.logs(), "avahi-daemon")

    @property
    def own_name(self) -> str:
        """The host name that it has settled for."""
        said = [line for line in self._host.logs().splitlines() if "Host name is" in line]
        return said[-1].split("Host name is ")[1].split()[0].rstrip(".")

    def browse(self, type_: str) -> subprocess.Popen[str]:
        """avahi-browse: lines of `=;interface;protocol;name;type;domain;host;address;port;txt`."""
        command = ("avahi-browse", "--resolve", "--parsable", "--no-db-lookup", type_)
        return self._host.start(*command, env=self._bus)

    def resolve(self, name: str) -> str:
        """The IPv4 address of a host name, by avahi."""
        command = ("avahi-resolve", "-4", "-n", name)
        return self._host.run(*command, env=self._bus).split()[-1]


def found(process: subprocess.Popen[str]) -> Iterator[list[str]]:
    """What avahi-browse resolves, field by field, as it comes."""
    assert process.stdout is not None
    for line in process.stdout:
        fields = line.rstrip("\n").split(";")
        if fields[0] == "=":
            yield fields
