"""The machine itself: its provisioning service, asked over the system's bus."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.image.guest.wifi.spaces import Failed, eventually, run

_UNIT = "luna-provisioning.service"
_NAMES = ("org.luna.Provisioning1", "/org/luna/Provisioning1", "org.luna.Provisioning1")
_SETTINGS = Path("/run/luna-wifi-test")
_DROP_IN = Path(f"/run/systemd/system/{_UNIT}.d/test.conf")
_START_S = 240.0  # on an emulated processor with other work
_DISCARD = 9  # a port that routers keep closed (RFC 863)
SETUP, LABEL = "Luna-TEST", "on the label 1"


class Box:
    """Settings are in a folder of the test's own; nothing of the image is changed."""

    def __init__(self) -> None:
        self._since = ""

    def configure(self, *, passphrase: str = LABEL, limits: Mapping[str, float] = {}) -> None:
        """Start the service anew, with nothing known; without a passphrase the network is open.

        `limits` are settings of its patience, in seconds.
        """
        self.forget_all()
        _SETTINGS.mkdir(exist_ok=True)
        text = f'[setup]\nname = "{SETUP}"\npassphrase = "{passphrase}"\n[limits]\n'
        text += "".join(f"{name} = {seconds}\n" for name, seconds in limits.items())
        (_SETTINGS / "provisioning.toml").write_text(text, "utf-8")
        _DROP_IN.parent.mkdir(parents=True, exist_ok=True)
        start = f"/usr/bin/luna-provisioning --config-dir={_SETTINGS} --verbose"
        _DROP_IN.write_text(f"[Service]\nExecStart=\nExecStart={start}\n", "utf-8")
        run("systemctl", "daemon-reload")
        self._since = run("date", "+%Y-%m-%d %H:%M:%S").strip()
        run("systemctl", "restart", _UNIT, seconds=_START_S)

    def host(self, seconds: float) -> None:
        """Know no network, and have the setup network up; sooner than by starting anew."""
        self.forget_all()
        self.call("StartHotspot")
        self.wait_until_hosting(seconds)

    def wait_until_hosting(self, seconds: float) -> None:
        """Return when phones can see the setup network."""
        self.wait_for("hotspot", seconds)
        eventually(lambda: self.read("Hotspot")["up"], seconds, "the setup network")

    def restore(self) -> None:
        """As it was before."""
        _DROP_IN.unlink(missing_ok=True)
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", _UNIT, seconds=_START_S)

    def forget_all(self) -> None:
        """Delete every WiFi profile of NetworkManager."""
        told = run("nmcli", "--terse", "--fields=UUID,TYPE", "connection", "show")
        for line in told.splitlines():
            uuid, _, kind = line.partition(":")
            if kind == "802-11-wireless":
                subprocess.run(["nmcli", "connection", "delete", uuid], capture_output=True)

    def read(self, name: str) -> Any:
        """A property of the service. Raises Failed."""
        told = run("busctl", "--json=short", "get-property", *_NAMES, name)
        return _plain(json.loads(told))

    def call(self, member: str, signature: str = "", *arguments: str) -> Any:
        """A method of the service; the first thing that it returns. Raises Failed."""
        words = [*_NAMES, member, *([signature, *arguments] if signature else [])]
        told = run("busctl", "--json=short", "--timeout=60", "call", *words)
        returned = json.loads(told)["data"] if told.strip() else []
        return _plain(returned[0]) if returned else None

    def join(self, ssid: bytes, secret: str = "", **options: bool | str) -> None:
        """Begin to join, as a program would."""
        data = secret.encode()
        told: list[str] = []
        for name, value in options.items():
            kind = "b" if isinstance(value, bool) else "s"
            told += [name, kind, str(value).lower() if kind == "b" else str(value)]
        arguments = [*_bytes(ssid), *_bytes(data), str(len(options)), *told]
        self.call("Join", "ayaya{sv}", *arguments)

    def wait_for(self, state: str, seconds: float) -> None:
        """Return when the service is in a state."""
        eventually(lambda: self.state() == state, seconds, f"the state {state}")

    def state(self) -> str:
        """What it is doing; empty while it does not answer."""
        try:
            return str(self.read("State"))
        except Failed:
            return ""

    def result(self, seconds: float) -> dict[str, Any]:
        """How the join that is under way ends."""
        eventually(lambda: self.read("Joining") == 0, seconds, "the result")
        found: dict[str, Any] = self.read("Result")
        return found

    def addresses(self, interface: str) -> list[str]:
        """IPv4 addresses of an interface."""
        told = json.loads(run("ip", "-json", "-4", "address", "show", "dev", interface))
        return [each["local"] for link in told for each in link.get("addr_info", [])]

    def reaches(self, address: str) -> bool:
        """Whether packets come back from there, if only to say that nobody listens."""
        try:
            socket.create_connection((address, _DISCARD), timeout=2.0).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True

    def saved(self) -> dict[str, str]:
        """Files of NetworkManager's profiles that survive a start, with their text."""
        folder = Path("/etc/NetworkManager/system-connections")
        return {file.name: file.read_text("utf-8", "replace") for file in folder.iterdir()}

    def journal(self) -> str:
        """What the service and NetworkManager have said since `configure`."""
        units = (f"--unit={_UNIT}", "--unit=NetworkManager", "--unit=wpa_supplicant")
        words = ("journalctl", "--no-pager", "--output=short-monotonic", f"--since={self._since}")
        return run(*words, *units)

    def kill(self) -> None:
        """End the service as a fault would."""
        os.kill(int(run("systemctl", "show", "-PMainPID", _UNIT)), 9)


def _bytes(data: bytes) -> list[str]:
    """An `ay` for busctl."""
    return [str(len(data)), *map(str, data)]


def _plain(told: Any) -> Any:
    """Values without busctl's types around them."""
    if isinstance(told, dict) and told.keys() == {"type", "data"}:
        data = told["data"]
        if isinstance(data, list) and told["type"] == "ay":
            return bytes(data)
        return _plain(data)
    if isinstance(told, dict):
        return {key: _plain(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_plain(each) for each in told]
    return told
