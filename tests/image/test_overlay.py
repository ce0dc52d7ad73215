"""What is laid over Debian: scripts that a shell reads, a unit that is as tight as the others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from image.builder import layout
from image.builder.board import load
from image.builder.firmware import OVERLAY
from image.builder.rauc import system_conf

SYSTEM = OVERLAY / "usr/lib/systemd/system"
# luna-ssh.service has a test of its own: who logs in there is root.
SANDBOXED = ("luna-boot-wifi.service", "luna-confirm.service")
SCRIPTS = sorted((OVERLAY / "etc/initramfs-tools").rglob("luna*"))
MOST_EXPOSED = 1.5
REBOOT = "org.freedesktop.login1.reboot"
POWER_OFF = "org.freedesktop.login1.power-off"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_shell_can_read_the_ramdisks_scripts(script: Path) -> None:
    assert script.stat().st_mode & 0o111, "initramfs-tools passes over what is not executable"
    subprocess.run(["sh", "-n", str(script)], check=True)
    done = subprocess.run(["sh", str(script), "prereqs"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_partitions_are_named_alike_everywhere() -> None:
    names = {partition.name.removeprefix("luna-") for partition in layout.PARTITIONS}
    texts = [path.read_text("utf-8") for path in OVERLAY.rglob("*") if path.is_file()]
    texts.append(system_conf(load("virt-arm64")))
    found = set(re.findall(r"/run/luna-disk/([\w-]+)", "\n".join(texts)))
    assert found == names


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("name", SANDBOXED)
def test_units_are_valid_and_sandboxed(name: str, tmp_path: Path) -> None:
    copy = tmp_path / name
    text = (SYSTEM / name).read_text("utf-8")
    copy.write_text(re.sub(r"/usr/bin/luna\S*", "/bin/true", text), "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(copy)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "luna" in line] == []
    security = ["systemd-analyze", "security", "--offline=true", str(SYSTEM / name)]
    done = subprocess.run(security, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found.group(1)) <= MOST_EXPOSED


def granted(rule: str, user: str, action: str, unit: str = "") -> bool:
    """What polkit would say; it tells a unit only where it is sure of it."""
    rules = (OVERLAY / f"usr/share/polkit-1/rules.d/{rule}.rules").read_text("utf-8")
    subject = json.dumps({"user": user, **({"system_unit": unit} if unit else {})})
    program = f"""
    const polkit = {{Result: {{YES: "yes"}}, addRule: (rule) => {{ polkit.rule = rule; }}}};
    {rules}
    console.log(polkit.rule({{id: {json.dumps(action)}}}, {subject}) || "no");
    """
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    return done.stdout.strip() == "yes"


@pytest.mark.needs("node")
def test_the_judge_may_restart_and_nothing_else() -> None:
    assert granted("50-luna-confirm", "luna-confirm", REBOOT)
    assert not granted("50-luna-confirm", "luna-confirm", POWER_OFF)
    assert not granted("50-luna-confirm", "luna", REBOOT)


@pytest.mark.needs("node")
def test_an_update_from_a_stick_may_restart_and_the_server_may_not() -> None:
    unit = "luna-import@sda1.service"
    assert granted("50-luna-import", "luna", REBOOT, unit)
    assert not granted("50-luna-import", "luna", POWER_OFF, unit)
    assert not granted("50-luna-import", "luna", f"{REBOOT}-ignore-inhibit", unit)
    assert not granted("50-luna-import", "luna", REBOOT, "luna-api.service")
    assert not granted("50-luna-import", "luna", REBOOT)
    assert not granted("50-luna-import", "nobody", REBOOT, unit)
