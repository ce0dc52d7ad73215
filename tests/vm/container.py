"""A Debian with systemd as its first process, in systemd-nspawn, with Luna's package installed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SUITES = {12: "bookworm", 13: "trixie"}
PACKAGES = (
    "curl dbus iproute2 libgomp1 libstdc++6 network-manager openssl polkitd procps python3 systemd "
    "systemd-sysv udev wpasupplicant"
)
UNIT = """
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /share/inside.py
StandardOutput=file:/share/said
StandardError=inherit
[Install]
WantedBy=multi-user.target
"""
BOOT_S = 300
# systemd-nspawn leaves a restart to who started it, and says so.
RESTARTS = 133


def run(*command: str | Path, ends: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end; what it printed is part of the error if it `ends` otherwise."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more
    )
    assert done.returncode == ends, f"{' '.join(words)}\n{done.stdout[-4000:]}"
    return done


def base(debian: int) -> Path:
    """An archive of the bare system, kept for the next time under the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "luna-tests"
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(f"{debian} {PACKAGES}".encode()).hexdigest()[:12]
    archive = cache / f"debian-{debian}-{key}.tar"
    if not archive.exists():
        unfinished = archive.with_suffix(".part.tar")
        include = f"--include={','.join(PACKAGES.split())}"
        run("mmdebstrap", "--mode=root", "--variant=minbase", include, SUITES[debian], unfinished)
        unfinished.rename(archive)
    return archive


def package(debian: int, folder: Path) -> Path:
    """The package, built from this tree."""
    run(ROOT / "image/deb/build", "--debian", str(debian), "--out", folder)
    (built,) = folder.glob("luna_*.deb")
    return built


class Container:
    """The file system of a machine in `folder`; nothing of it reaches the host's network."""

    def __init__(self, folder: Path, debian: int) -> None:
        self.root = folder / "root"
        self.share = folder / "share"
        self.root.mkdir()
        self.share.mkdir()
        run("tar", "-C", self.root, "-xf", base(debian))

    def install(self, deb: Path) -> None:
        """Install a package as apt would."""
        shutil.copy(deb, self.share)
        self.do("dpkg", "-i", f"/share/{deb.name}")

    def install_again(self) -> None:
        """What an upgrade does."""
        (deb,) = self.share.glob("*.deb")
        self.do("dpkg", "-i", f"/share/{deb.name}")

    def has(self, path: str) -> bool:
        """Whether there is such a file or folder, named from the root."""
        return (self.root / path).exists()

    def do(self, *command: str) -> str:
        """What a command prints in the machine while it is off."""
        return run(*self._nspawn(), "--as-pid2", "--pipe", *command).stdout

    def boot(self, phase: str, *, restarts: bool = False) -> dict[str, Any]:
        """Boot it, let inside.py do what the phase asks for, and return its report.

        `restarts` says that the machine restarts itself at the end, and does not go off.
        """
        shutil.copy(Path(__file__).with_name("inside.py"), self.share)
        (self.share / "phase").write_text(phase, "utf-8")
        (self.root / "etc/systemd/system/luna-test.service").write_text(UNIT, "utf-8")
        self.do("systemctl", "enable", "luna-test.service")
        ends = RESTARTS if restarts else 0
        run(*self._nspawn(), "--boot", "--console=read-only", ends=ends, timeout=BOOT_S)
        file = self.share / f"{phase}.json"
        assert file.exists(), (self.share / "said").read_text("utf-8")
        report: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return report

    def _nspawn(self) -> list[str]:
        options = "--quiet --register=no --keep-unit --private-network --machine=luna-test"
        return ["systemd-nspawn", *options.split(), f"-D{self.root}", f"--bind={self.share}:/share"]
