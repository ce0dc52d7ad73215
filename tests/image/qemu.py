"""A board in QEMU: the image unmodified, U-Boot as its firmware, and a way to run commands in it.

The disk is an overlay, larger than the image as a card is; the image itself is never written to.
Commands get in through systemd's credentials (fw_cfg), which start an agent that the share brings.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

FIRMWARE = Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
AGENT = Path(__file__).parent / "guest/agent.sh"
# Emulated, with other work on the machine: starts were seen to take between one minute and six.
BOOT_S = 900.0
COMMAND_S = 120.0
_LOOK_S = 0.2
_CREDENTIALS = "opt/io.systemd.credentials/"
# QEMU refuses names of more than 55 characters, hence these short ones.
_UNIT = """\
[Unit]
After=basic.target
[Service]
# The folder's device may come a moment later than this.
Restart=on-failure
RestartSec=1
ExecStart=/bin/sh -c "mkdir -p /run/share && \
 mount -t 9p -o trans=virtio,version=9p2000.L share /run/share && \
 exec /bin/sh /run/share/agent.sh"
"""
_WANTED = "[Unit]\nWants=t.service\n"


class MachineError(AssertionError):
    """The machine did not do what it should; the text has the end of its console."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the board has. `network` is QEMU's -nic without its port forwarding; "none" for none."""

    card_gib: int = 5
    memory_mib: int = 2048
    network: str = "user,model=virtio-net-pci"
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command."""

    status: int
    output: str


@dataclass(slots=True)
class Machine:
    """One board; its card keeps what was written between starts."""

    image: Path
    folder: Path
    hardware: Hardware = field(default_factory=Hardware)
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _jobs: int = 0

    def __post_init__(self) -> None:
        """Put the card in."""
        (self.folder / "share/jobs").mkdir(parents=True)
        shutil.copy(AGENT, self.share / "agent.sh")
        size = f"{self.hardware.card_gib}G"
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
        subprocess.run([*create, "-b", self.image.resolve(), self.card, size], check=True)

    @property
    def share(self) -> Path:
        """A folder that the machine sees as /run/share."""
        return self.folder / "share"

    @property
    def card(self) -> Path:
        """What was written since the image, as QEMU keeps it."""
        return self.folder / "card.qcow2"

    @property
    def console(self) -> str:
        """Everything that the serial port said since the last start."""
        log = self.folder / "console.log"
        return log.read_text("utf-8", errors="replace") if log.exists() else ""

    def start(self) -> None:
        """Power on; nothing is waited for."""
        assert self._process is None, "it is on already"
        self.port = free_port()
        for job in (self.share / "jobs").iterdir():
            job.unlink()
        with (self.folder / "qemu.log").open("ab") as errors:
            self._process = subprocess.Popen(
                self._command(), stdout=subprocess.DEVNULL, stderr=errors
            )

    def boot(self, patience: float = BOOT_S) -> float:
        """Power on, and wait until commands run; the seconds that took."""
        began = time.monotonic()
        self.start()
        self.do("true", patience=patience)
        return time.monotonic() - began

    def settle(self, patience: float = BOOT_S) -> str:
        """Wait until systemd has started everything; "running" or "degraded"."""
        return self.do("systemctl is-system-running --wait", patience=patience).output.strip()

    def do(self, script: str, patience: float = COMMAND_S) -> Answer:
        """Run a shell script in the machine, as root; MachineError if it takes too long."""
        self._jobs += 1
        job = self.share / "jobs" / f"{self._jobs:04}"
        unfinished = job.with_suffix(".new")
        unfinished.write_text(script + "\n", "utf-8")
        unfinished.rename(job.with_suffix(".sh"))
        done = job.with_suffix(".rc")
        self._wait(done.exists, patience, f"no answer to: {script}")
        return Answer(int(done.read_text("utf-8")), _text(job.with_suffix(".out")))

    def ask(self, script: str, patience: float = COMMAND_S) -> str:
        """What a script prints; it has to succeed."""
        answer = self.do(script, patience)
        if answer.status:
            raise MachineError(f"{script}: status {answer.status}\n{answer.output[-4000:]}")
        return answer.output.strip()

    def wait_for(self, script: str, patience: float) -> None:
        """Until a script succeeds; MachineError if it never does."""
        deadline = time.monotonic() + patience
        while self.do(script, patience).status:
            if time.monotonic() > deadline:
                raise MachineError(f"never came true: {script}\n{self.console[-3000:]}")
            time.sleep(1)

    def run_python(self, script: Path, *arguments: str, patience: float) -> str:
        """What a Python script prints that is copied into the machine; it has to succeed."""
        shutil.copy(script, self.share / script.name)
        words = ["python3", f"/run/share/{script.name}", *arguments]
        return self.ask(" ".join(map(shlex.quote, words)), patience)

    def says(self, text: str, times: int = 1, patience: float = BOOT_S) -> None:
        """Wait until the console has shown `text` so often."""
        self._wait(lambda: self.console.count(text) >= times, patience, f"never said {text!r}")

    def reboot(self, patience: float = BOOT_S) -> None:
        """Restart it as systemd does, and wait until commands run in the new system."""
        before = self.ask("cat /proc/sys/kernel/random/boot_id")
        with suppress(MachineError):
            self.do("systemctl --no-block reboot", 20)
        self.booted_after(before, patience)

    def booted_after(self, before: str, patience: float = BOOT_S) -> None:
        """Wait until it runs with another boot id than `before`."""
        deadline = time.monotonic() + patience
        while self._boot_id() in ("", before):
            if time.monotonic() > deadline:
                raise MachineError(f"it did not restart\n{self.console[-3000:]}")
            time.sleep(1)

    def _boot_id(self) -> str:
        """Empty where nobody answers soon: a question may go down with the system it reached."""
        with suppress(MachineError):
            return self.do("cat /proc/sys/kernel/random/boot_id", 20).output.strip()
        return ""

    def cut_power(self) -> None:
        """SIGKILL: what the machine had not written is gone."""
        self._end(signal.SIGKILL)

    def power_off(self, patience: float = 120.0) -> None:
        """Shut down as systemd does."""
        process = self._process
        assert process is not None
        with suppress(MachineError):  # the answer may go down with it
            self.do("systemctl --no-block poweroff", 20)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            raise MachineError(f"it did not power off\n{self.console[-3000:]}") from None
        self._process = None

    def close(self) -> None:
        """End whatever runs."""
        if self._process is not None:
            self.cut_power()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(how)
        process.wait(timeout=30)

    def _wait(self, condition: Callable[[], bool], patience: float, what: str) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            ended = self._process is None or self._process.poll() is not None
            late = time.monotonic() > deadline
            if late or ended:
                why = f"after {patience:.0f} s" if late else "and QEMU has ended"
                errors = _text(self.folder / "qemu.log")[-500:]
                raise MachineError(f"{what} {why}\n{errors}\n{self.console[-3000:]}")
            time.sleep(_LOOK_S)

    def _command(self) -> list[str]:
        (self.folder / "unit").write_text(_UNIT, "utf-8")
        (self.folder / "wanted").write_text(_WANTED, "utf-8")
        unit = f"name={_CREDENTIALS}systemd.extra-unit.t.service,file={self.folder}/unit"
        wanted = f"name={_CREDENTIALS}systemd.unit-dropin.-.mount,file={self.folder}/wanted"
        network = self.hardware.network
        if network.startswith("user"):
            network += f",hostfwd=tcp:127.0.0.1:{self.port}-:80"
        return [
            *"qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a76".split(),
            *"-accel tcg,thread=multi -smp 2 -display none -monitor none".split(),
            *("-m", str(self.hardware.memory_mib), "-bios", str(FIRMWARE)),
            *("-serial", f"file:{self.folder}/console.log"),
            *("-drive", f"id=card,file={self.card},format=qcow2,if=none,cache=writeback"),
            *("-device", "virtio-blk-device,drive=card", "-device", "virtio-rng-pci"),
            *("-virtfs", f"local,path={self.share},mount_tag=share,security_model=none"),
            *("-fw_cfg", unit, "-fw_cfg", wanted, "-nic", network),
            *self.hardware.more,
        ]


@contextmanager
def running(image: Path, folder: Path, hardware: Hardware | None = None) -> Iterator[Machine]:
    """A machine with a fresh card, not switched on yet; whatever runs at the end is ended."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = Machine(image, folder, hardware or Hardware())
    try:
        yield machine
    finally:
        machine.close()


def _text(file: Path) -> str:
    return file.read_text("utf-8", errors="replace") if file.exists() else ""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Boot the image named on the command line, and leave it on until Enter is pressed."""
    with TemporaryDirectory() as folder, running(Path(sys.argv[1]), Path(folder, "m")) as machine:
        print(f"booting; its console is {folder}/m/console.log", flush=True)
        print(f"answers after {machine.boot():.0f} s; port 80 is http://127.0.0.1:{machine.port}/")
        input("Enter ends it. ")


if __name__ == "__main__":
    main()
