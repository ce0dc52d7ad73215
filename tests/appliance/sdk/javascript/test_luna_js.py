"""Node runs the tests of the JavaScript SDK; its types name what it has."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

import appliance

HERE = Path(__file__).parent
SDK = Path(appliance.__file__).parent / "sdk/javascript"
PUBLIC = re.compile(r"^export (?:async )?(?:class|function)\*? (\w+)|^export {.* as (\w+) }", re.M)
METHOD = re.compile(r"^  (?:async )?\*?([a-z]\w+)\(", re.MULTILINE)
TYPED = re.compile(r"^  ([a-z]\w+)\(", re.MULTILINE)


@pytest.mark.needs("node")
def test_the_module() -> None:
    done = subprocess.run(
        ["node", "--test", str(HERE / "luna.test.mjs")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout


@pytest.mark.needs("tsc")
def test_its_types_as_a_compiler_sees_them() -> None:
    """Each mistake that `usage.ts` marks is found, and nothing else."""
    options = "--noEmit --strict --target es2022 --module es2022 --moduleResolution node"
    done = subprocess.run(
        ["tsc", *options.split(), "--lib", "es2022,dom,dom.iterable", str(HERE / "usage.ts")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def names(source: str) -> set[str]:
    return {
        first or second
        for first, second in PUBLIC.findall(source.replace("async function", "function"))
    }


def test_everything_public_has_a_type() -> None:
    module, types = (SDK / "luna.js").read_text(), (SDK / "luna.d.ts").read_text()
    assert names(module) == names(types)
    wanted = {"generate", "generateStream", "getModels", "getStatus", "loadModel"}
    told = set(TYPED.findall(types)) - {"constructor"}
    assert wanted < told
    assert told <= set(METHOD.findall(module))


def test_its_package_is_described() -> None:
    described = json.loads((SDK / "package.json").read_text())
    assert described["version"] == appliance.__version__
    assert all((SDK / name).is_file() for name in described["files"])
    assert "dependencies" not in described
