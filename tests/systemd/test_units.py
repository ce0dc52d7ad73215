"""The units are valid, sandboxed, and run nothing as root; systemd itself is asked."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd"
UNITS = sorted((FOLDER / "units").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
MOST_EXPOSED = 1.5
# Until who the device is has been settled, before everything else; then never again.
ROOTS = {"luna-firstboot.service"}

pytestmark = pytest.mark.needs("systemd-analyze")


def named(path: Path) -> str:
    return path.name


def setting(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    """The units with a program that is there in place of ours, which is not installed here."""
    for unit in UNITS:
        text = unit.read_text("utf-8")
        text = re.sub(r"/usr/(bin/luna\S*|lib/luna/\S+)", "/bin/true", text)
        (tmp_path / unit.name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("unit", UNITS, ids=named)
def test_systemd_has_no_complaint(tried: Path, unit: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", str(tried / unit.name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tried, check=False)
    ours = [line for line in done.stderr.splitlines() if "luna" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=named)
def test_the_sandbox_is_tight(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found.group(1)) <= MOST_EXPOSED, done.stdout


@pytest.mark.parametrize("unit", SERVICES, ids=named)
def test_it_runs_as_a_user_of_its_own(unit: Path) -> None:
    users = (FOLDER / "sysusers.d/luna.conf").read_text("utf-8")
    if unit.name in ROOTS:
        assert setting(unit, "Type") == ["oneshot"]
        return
    (user,) = setting(unit, "User")
    assert re.search(rf"^u {user} ", users, re.MULTILINE), f"{user} is not in sysusers.d"


@pytest.mark.parametrize("unit", SERVICES, ids=named)
def test_it_comes_back_and_stops_with_the_target(unit: Path) -> None:
    if setting(unit, "Type") == ["oneshot"]:
        return
    assert setting(unit, "Restart") == ["always"]
    assert setting(unit, "StartLimitIntervalSec") == ["0"]
    assert "luna.target" in " ".join(setting(unit, "PartOf"))


@pytest.mark.needs("root")
def test_users_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", tmp_path / "etc" / name)
    root = f"--root={tmp_path}"
    for command in (
        ["systemd-sysusers", root, str(FOLDER / "sysusers.d/luna.conf")],
        ["systemd-tmpfiles", "--create", root, str(FOLDER / "tmpfiles.d/luna.conf")],
    ):
        subprocess.run(command, capture_output=True, text=True, check=True)
    assert "luna-net:" in (tmp_path / "etc/passwd").read_text("utf-8")
    assert (tmp_path / "var/lib/luna/models").stat().st_mode & 0o7777 == 0o2775
