"""A device's files, and power that is cut at a chosen moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

# Runs the first boot in a fork for each number of changes to the disk, until one is whole.
CUTS = """
import os, shutil, sys
from pathlib import Path
from appliance.firstboot.places import Places
from appliance.firstboot.steps import FirstBoot, Tools

EVENTS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "shutil.rmtree"}
fresh, tried = Path(sys.argv[1]), Path(sys.argv[2])

def certify(identity, key, certificate):
    key.write_text("key of " + identity.id)
    certificate.write_text("certificate of " + identity.id)

def boot():
    tools = Tools(certify, lambda: True, lambda name: None, lambda: "luna_secret")
    return FirstBoot(Places(tried), tools).run()

def boot_until(change):
    left = [change]
    def hook(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 0o103
        if writes or event in EVENTS:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
    sys.addaudithook(hook)
    os._exit(0 if boot() else 1)

change = 0
while True:
    shutil.rmtree(tried, ignore_errors=True)
    shutil.copytree(fresh, tried, symlinks=True)
    if (child := os.fork()) == 0:
        boot_until(change)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), status
    if status == 9 and sys.argv[3] == "twice":
        if (child := os.fork()) == 0:
            boot_until(change)
        os.waitpid(child, 0)
    assert boot(), change
    there = {
        str(path.relative_to(tried)): path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(tried.rglob("*"))
    }
    expected = there if change == 0 else expected
    assert there == expected, (change, there.keys() ^ expected.keys())
    change += 1
    if status == 0:
        break
print(change)
"""


def cut_everywhere(fresh: Path, tried: Path, *, twice: bool = False) -> int:
    """How often the power was cut; every time the next boot led to the same files."""
    done = subprocess.run(
        [sys.executable, "-c", CUTS, fresh, tried, "twice" if twice else "once"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout)


def flashed(root: Path) -> Path:
    """A device that was just flashed."""
    for folder in ("etc/luna/luna.d", "var/lib/luna/models", "proc", "boot/firmware"):
        (root / folder).mkdir(parents=True)
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    return root


def used(root: Path) -> Path:
    """A device that was in use for a while."""
    flashed(root)
    for name, text in {
        "etc/luna/identity.toml": 'id = "ab12cd34ef56"\nname = "luna-ab12"\n',
        "etc/luna/label.toml": 'passphrase = "on the label"\n',
        "etc/luna/luna.toml": "[server]\n",
        "etc/luna/luna.d/more.toml": "[server]\n",
        "etc/luna/tools/mine.py": "",
        "etc/NetworkManager/system-connections/Home.nmconnection": "[connection]\ntype=wifi\n",
        "etc/NetworkManager/system-connections/wire.nmconnection": "[connection]\ntype=ethernet\n",
        "var/lib/luna/luna.db": "keys",
        "var/lib/luna/slots/model/slot0": "talk",
        "var/lib/luna/models/small/model.gguf": "GGUF",
        "var/lib/luna-provisioning/country": "DE",
        "var/lib/luna-watchdog/incidents.json": "{}",
        "var/lib/luna-ssh/ed25519": "key",
        "var/lib/luna-firstboot/done": "",
        "var/lib/luna-firstboot/tls/certificate.pem": "old",
        "var/lib/luna-firstboot/tls/key.pem": "old",
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root
