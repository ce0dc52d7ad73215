"""What is installed is what the tree holds: modules, data files, the command."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import appliance
from tests.gate.tree import PACKAGES, ROOT, complain, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    # In a copy, because a build leaves its traces in the tree.
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    for path in files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] in PACKAGES or len(relative.parts) == 1:
            (tree / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tree / relative)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "wheel"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    done = subprocess.run([*pip, *options, str(tree)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    assert built.name == f"luna_appliance-{appliance.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(built) as opened:
        yield opened


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    wanted = [path.relative_to(ROOT) for path in files()]
    missing = [str(path) for path in wanted if path.parts[0] in PACKAGES and str(path) not in held]
    complain(missing, "add their suffix to package-data in pyproject.toml:")


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {Path(name).parts[0] for name in wheel.namelist()}
    assert tops <= {*PACKAGES, f"luna_appliance-{appliance.__version__}.dist-info"}


def test_the_command_and_the_licence_are_there(wheel: zipfile.ZipFile) -> None:
    info = zipfile.Path(wheel) / f"luna_appliance-{appliance.__version__}.dist-info"
    assert "luna = appliance.cli.main:main" in (info / "entry_points.txt").read_text()
    assert "Apache License" in (info / "licenses" / "LICENSE").read_text()
    assert "License-Expression: Apache-2.0" in (info / "METADATA").read_text()
