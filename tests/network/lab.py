"""Small networks of network namespaces: hosts on a bridge, and what runs on them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 15.0
_MEMORY_KB = 2_000_000
_DAD = "/proc/sys/net/ipv6/conf/{}/accept_dad"
_numbers = itertools.count()


def ip(*words: str) -> None:
    """Run ip(8); raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=_PATIENCE_S)


@dataclass
class Host:
    """A network namespace with a folder of its own."""

    namespace: str
    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def ip(self, *words: str) -> None:
        """Run ip(8) on this host."""
        ip("-n", self.namespace, *words)

    def command(self, *words: str) -> list[str]:
        """The command that runs `words` on this host, which has its own view of /sys.

        A leak ends the process that has it, and not the machine.
        """
        limited = ["sh", "-c", f'ulimit -v {_MEMORY_KB}; exec "$@"', "sh", *words]
        return ["ip", "netns", "exec", self.namespace, *limited]

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """What a command prints; raises CalledProcessError."""
        done = subprocess.run(
            self.command(*words),
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            env=self.environ(env),
            cwd=ROOT,
        )
        return done.stdout

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A process on this host, ended with it at the latest; its output is to be read."""
        with (self.folder / f"{next(_numbers):06}.log").open("w") as log:
            process = subprocess.Popen(
                self.command(*words),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environ(env),
                cwd=ROOT,
            )
        self.running.append(process)
        return process

    def python(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Python on this host."""
        return self.start(sys.executable, *words, env=env)

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of what runs here: no settings but this host's own."""
        own = {"HOME": str(self.folder), "LUNA_DATA": str(self.folder), "PYTHONUNBUFFERED": "1"}
        return {"PATH": os.environ["PATH"], **own, **(more or {})}

    def logs(self) -> str:
        """What everything here has written to its standard error."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


class Lab:
    """Hosts, each with a cable `eth0` to one bridge (or more cables, to other bridges)."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._hosts: list[Host] = []
        self.hub = self.bare("hub")
        self.bridge("br0")

    def bridge(self, name: str) -> None:
        """One more bridge on the hub."""
        self.hub.ip("link", "add", name, "type", "bridge", "mcast_snooping", "0")
        self.hub.ip("link", "set", name, "up")

    def host(self, name: str, *addresses: str) -> Host:
        """A host whose `eth0` has these addresses, and an IPv6 link-local one."""
        host = self.bare(name)
        self.cable(host, "eth0", *addresses)
        return host

    def cable(self, host: Host, interface: str, *addresses: str, bridge: str = "br0") -> str:
        """Connect a host; the name of the port on the hub."""
        port = f"p{next(_numbers)}"
        kind = ["type", "veth", "peer", "name", interface, "netns", host.namespace]
        ip("link", "add", port, "netns", self.hub.namespace, *kind)
        for address in addresses:
            check = ["nodad"] if ":" in address else []
            host.ip("addr", "add", address, "dev", interface, *check)
        self.hub.ip("link", "set", port, "master", bridge, "up")
        host.ip("link", "set", interface, "up")
        return port

    def bare(self, name: str) -> Host:
        """A host without any cable."""
        namespace = f"luna-{os.getpid()}-{name}"
        ip("netns", "add", namespace)
        self._stack.callback(ip, "netns", "delete", namespace)
        folder = self._folder / name
        folder.mkdir()
        host = Host(namespace, folder)
        self._hosts.append(host)
        host.ip("link", "set", "lo", "up")
        # Addresses are usable at once, not after a second of looking for duplicates.
        host.run("sh", "-c", f"echo 0 >{_DAD.format('default')}; echo 0 >{_DAD.format('all')}")
        return host

    def end_all(self) -> None:
        """End every process, all at the same time."""
        running = [process for host in self._hosts for process in host.running]
        for process in running:
            process.terminate()
        for process in running:
            end(process)


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """A network that is gone afterwards, with everything that runs in it."""
    with ExitStack() as stack:
        found = Lab(folder, stack)
        try:
            yield found
        finally:
            found.end_all()


def end(process: subprocess.Popen[str]) -> None:
    """Ask a process to end, then make it; closes its output."""
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_PATIENCE_S)
    if process.stdout is not None:
        process.stdout.close()
