"""A binding comes from the version found in the library, and from nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.engines.rkllm.abi_v12 import V12
from appliance.engines.rkllm.abi_v13 import V13
from appliance.engines.rkllm.failures import LibraryRefused
from appliance.engines.rkllm.library import open_library
from tests.rkllm_sim.build import COMPILER, command, library

pytestmark = pytest.mark.needs("g++")


def refusal(path: Path) -> str:
    with pytest.raises(LibraryRefused) as caught:
        open_library(path)
    return caught.value.message


@pytest.mark.parametrize(("version", "abi"), [("1.2.3", V12), ("1.3.0", V13)])
def test_each_version_gets_its_own_binding(version: str, abi: object) -> None:
    opened = open_library(library(version))
    assert opened.version.text == version
    assert opened.abi is abi


@pytest.mark.parametrize(("layout", "lie"), [("1.2.3", "1.3.0"), ("1.3.0", "1.2.3")])
def test_a_library_that_lies_about_its_version_is_refused(
    tmp_path: Path, layout: str, lie: str
) -> None:
    out = tmp_path / "librkllmrt.so"
    words = [word.replace(f'"{layout}"', f'"{lie}"') for word in command(layout, out)]
    subprocess.run(words, check=True)
    assert f"says that it is RKLLM {lie}, but its structures are those of" in refusal(out)


def test_a_file_that_the_loader_does_not_take_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "librkllmrt.so"
    path.write_bytes(b"\x7fELF" + bytes(99) + b"rkllm-runtime version: 1.3.0,\0")
    assert "cannot be loaded" in refusal(path)


def test_a_library_without_a_function_is_refused(tmp_path: Path) -> None:
    code = tmp_path / "some.c"
    code.write_text('const char *says = "rkllm-runtime version: 1.3.0,";', "utf-8")
    out = tmp_path / "librkllmrt.so"
    subprocess.run(
        [COMPILER[0], "-shared", "-fPIC", "-x", "c", str(code), "-o", str(out)], check=True
    )
    assert "lacks the function rkllm_createDefaultParam" in refusal(out)
