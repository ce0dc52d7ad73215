"""A message bus of the test's own: a real dbus-daemon on a socket in a temporary folder."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.helpers.wire import eventually

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
  {more}
</busconfig>
"""


class Daemon:
    """Runs from `start` to `stop`, at one address all the time; `more` is added to its policy."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self._socket = folder / "bus"
        self._configuration = folder / "bus.conf"
        self._configuration.write_text(
            CONFIGURATION.format(socket=self._socket, more=more), "utf-8"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"unix:path={self._socket}"
        self.start()

    def start(self) -> None:
        """Return when clients can connect."""
        command = ["dbus-daemon", f"--config-file={self._configuration}", "--nofork", "--nopidfile"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        eventually(self._listens, "the bus")

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._socket)) == 0

    def stop(self) -> None:
        """End it as a crash does: every connection is cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
