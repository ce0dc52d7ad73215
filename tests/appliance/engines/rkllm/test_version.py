"""Versions are read from the file of the library, and nothing is guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.rkllm.failures import LibraryRefused
from appliance.engines.rkllm.version import SUPPORTED, Generation, read_version, versions_in
from tests.rkllm_sim.build import library

ELF = b"\x7fELF" + bytes(60)
SAYS = b"\0I rkllm: rkllm-runtime version: %s, rknpu driver version: %s, platform: %s\0"


def made(folder: Path, *parts: bytes) -> Path:
    path = folder / "librkllmrt.so"
    path.write_bytes(b"".join(parts))
    return path


def refusal(path: Path, confirmed: str = "") -> str:
    with pytest.raises(LibraryRefused) as caught:
        read_version(path, confirmed)
    return caught.value.message


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_version_that_stands_alone_is_found(tmp_path: Path, version: str) -> None:
    path = made(tmp_path, ELF, SAYS, b"text\0" + version.encode() + b"\0more\0")
    assert read_version(path).text == version


@pytest.mark.needs("g++")
@pytest.mark.parametrize(
    ("version", "generation"), [("1.2.3", Generation.V1_2), ("1.3.0", Generation.V1_3)]
)
def test_a_compiled_library_tells_its_version(version: str, generation: Generation) -> None:
    found = read_version(library(version))
    assert (found.text, found.generation) == (version, generation)


def test_a_version_that_is_spelt_out_counts_more(tmp_path: Path) -> None:
    path = made(tmp_path, ELF, b"rkllm-runtime version: 1.2.3, rknpu\0", b"1.3.0\0")
    assert read_version(path).text == "1.2.3"


@pytest.mark.parametrize(
    "version", ["1.1.4", "1.2.0", "1.2.1b1", "1.2.4", "1.3.1", "1.4.0", "2.0.0"]
)
def test_other_versions_are_refused_with_what_to_install(tmp_path: Path, version: str) -> None:
    said = refusal(made(tmp_path, ELF, SAYS, b"\0", version.encode(), b"\0"))
    assert f"is RKLLM {version}, which Luna does not speak" in said
    assert "1.3.0 (or 1.2.1 to 1.2.3)" in said


def test_several_versions_have_to_be_decided_by_the_owner(tmp_path: Path) -> None:
    path = made(tmp_path, ELF, SAYS, b"\x001.2.3\0", b"x\x001.3.0\0")
    assert "several versions (1.2.3, 1.3.0)" in refusal(path)
    assert read_version(path, "1.2.3").text == "1.2.3"
    assert "is not version 1.2.2" in refusal(path, "1.2.2")


def test_the_owner_cannot_name_what_is_not_there(tmp_path: Path) -> None:
    path = made(tmp_path, ELF, SAYS, b"\x001.2.3\0")
    assert "is not version 1.3.0" in refusal(path, "1.3.0")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no shared library"),
        (b"<html>404</html>", "no shared library"),
        (b"version https://git-lfs.github.com/spec/v1\n", "no shared library"),
        (ELF, "does not say that it is RKLLM's"),
        (ELF + b"\x001.3.0\0", "does not say that it is RKLLM's"),
        (ELF + SAYS, "does not say that it is RKLLM's"),
        (ELF + SAYS + b"\x001.3.0.1\0v1.3.0\0 1.3.0\0", "does not say that it is RKLLM's"),
    ],
)
def test_what_is_no_library_of_rkllm_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refusal(made(tmp_path, content))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "librkllmrt.so")
    assert "cannot be read" in refusal(tmp_path)


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = made(tmp_path, ELF)
    with path.open("r+b") as file:
        file.truncate(2**40)
    assert "too large" in refusal(path)


@given(st.binary(max_size=300), st.sampled_from(sorted(SUPPORTED)))
def test_junk_is_refused_or_has_what_is_found(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, version: str
) -> None:
    path = made(tmp_path_factory.mktemp("junk"), ELF, SAYS, junk)
    try:
        found = versions_in(path)
    except LibraryRefused:
        return
    assert all(re.search(rb"\0" + re.escape(each.encode()) + rb"\0", junk) for each in found)
