"""What is laid over Debian: scripts that a shell reads, a unit that is as tight as the others."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from image.builder import layout
from image.builder.board import load
from image.builder.firmware import OVERLAY
from image.builder.rauc import system_conf

UNIT = OVERLAY / "usr/lib/systemd/system/luna-confirm.service"
SCRIPTS = sorted((OVERLAY / "etc/initramfs-tools").rglob("luna*"))
MOST_EXPOSED = 1.5


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
def test_the_judge_is_a_valid_unit_and_sandboxed(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace("/usr/bin/luna update", "/bin/true"), "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(copy)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "luna" in line] == []
    security = ["systemd-analyze", "security", "--offline=true", str(UNIT)]
    done = subprocess.run(security, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found.group(1)) <= MOST_EXPOSED


@pytest.mark.needs("node")
def test_the_judge_may_restart_and_nothing_else() -> None:
    rules = (OVERLAY / "usr/share/polkit-1/rules.d/50-luna-confirm.rules").read_text("utf-8")
    program = f"""
    const polkit = {{Result: {{YES: "yes"}}, addRule: (rule) => {{ polkit.rule = rule; }}}};
    {rules}
    const ask = (user, id) => polkit.rule({{id: id}}, {{user: user}}) || "no";
    console.log(ask("luna-confirm", "org.freedesktop.login1.reboot"),
                ask("luna-confirm", "org.freedesktop.login1.power-off"),
                ask("luna", "org.freedesktop.login1.reboot"));
    """
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["yes", "no", "no"]
