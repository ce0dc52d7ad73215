"""The process itself: start, stop, a lost bus, settings that are wrong, the import command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.system.provisioning import Provisioning, ProvisioningUnavailable
from tests.bus.daemon import Daemon
from tests.helpers.wire import eventually

pytestmark = pytest.mark.needs("dbus-daemon")
ROOT = Path(__file__).parents[2]
SECONDS = 20.0


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as running:
        yield running


class Running:
    """`luna-provisioning` with its own settings, state and manager of services."""

    def __init__(self, daemon: Daemon, folder: Path, *words: str) -> None:
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.settimeout(SECONDS)
        place = folder / "notify"
        place.unlink(missing_ok=True)
        self.manager.bind(str(place))
        settings = folder / "provisioning.toml"
        if not settings.exists():  # this machine keeps its own addresses
            settings.write_text('[setup]\ndns_answer = ""\n', "utf-8")
        command = [sys.executable, "-m", "provisioning", f"--config-dir={folder}"]
        command += [f"--state-dir={folder / 'state'}", *words]
        environ = {"DBUS_SYSTEM_BUS_ADDRESS": daemon.address, "NOTIFY_SOCKET": str(place)}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environ | {"WATCHDOG_USEC": "200000"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def told(self) -> str:
        """The next word to the service manager that is no heartbeat."""
        while (word := self.manager.recv(100).decode()) == "WATCHDOG=1":
            pass
        return word

    def ended(self) -> tuple[int, str]:
        """Exit status and output."""
        output, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, output

    def close(self) -> None:
        self.manager.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def running(daemon: Daemon, tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "identity.toml").write_text('id = "cafe"\n')
    (tmp_path / "label.toml").write_text('passphrase = "on the label"\n')
    started = Running(daemon, tmp_path)
    yield started
    started.close()


def test_it_serves_until_it_is_told_to_stop(daemon: Daemon, running: Running) -> None:
    assert running.told() == "READY=1"
    client = Provisioning(daemon.address)
    eventually(lambda: client.situation().state == "waiting")
    assert client.situation().hotspot.ssid == b"Luna-CAFE"
    assert not client.situation().hotspot.open
    assert running.manager.recv(100) == b"WATCHDOG=1"
    running.process.send_signal(signal.SIGTERM)
    assert running.told() == "STOPPING=1"
    status, output = running.ended()
    assert status == 0, output
    assert "Traceback" not in output
    assert "on the label" not in output


def test_it_comes_back_when_the_bus_does(daemon: Daemon, running: Running) -> None:
    assert running.told() == "READY=1"
    daemon.stop()
    daemon.start()
    assert running.told() == "READY=1"
    running.process.send_signal(signal.SIGTERM)
    status, output = running.ended()
    assert (status, "Traceback" in output) == (0, False), output
    assert "message bus was lost" in output or "message bus hung up" in output


def test_there_is_one_of_it(daemon: Daemon, running: Running, tmp_path: Path) -> None:
    assert running.told() == "READY=1"
    (tmp_path / "second").mkdir()
    second = Running(daemon, tmp_path / "second")
    status, output = second.ended()
    second.close()
    assert status == 1
    assert "Another process already is org.luna.Provisioning1" in output
    assert "Traceback" not in output


def test_settings_that_are_wrong_are_said(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "provisioning.toml").write_text("[setup]\npassphrase = 'short'\n")
    started = Running(daemon, tmp_path)
    status, output = started.ended()
    started.close()
    assert status == 1
    assert output.startswith("luna-provisioning: A setting in ")


def test_an_import_without_the_service_leaves_the_file(daemon: Daemon, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "luna-wifi.toml").write_text('[[network]]\nssid = "home"\n')
    started = Running(daemon, tmp_path, "import", str(stick))
    status, output = started.ended()
    started.close()
    assert status == 1
    assert "its provisioning service does not run" in output
    assert (stick / "luna-wifi.toml").exists()


def test_nobody_answers_where_nothing_runs(daemon: Daemon) -> None:
    with pytest.raises(ProvisioningUnavailable):
        Provisioning(daemon.address).situation()
