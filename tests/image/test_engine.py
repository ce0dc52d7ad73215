"""The CPU engine: pinned, made for the board's cores, and named where the board looks for it."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from appliance import config
from image.builder import engine, sbom
from image.builder.firmware import OVERLAY
from image.builder.programs import PACKAGES, run

MADE = {f"{engine.PROGRAM}": 0o755, f"{Path(engine.PROGRAM).parent}/LICENSE": 0o644}


class Toolchain:
    """Stands in for pip and the compiler, which take minutes; tar is the real one."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.wanted = ""

    def __call__(self, *command: str | Path) -> str:
        words = [str(word) for word in command]
        self.commands.append(words)
        if "download" in words:
            self.wanted = Path(words[words.index("--requirement") + 1]).read_text("utf-8")
            self._fetch(Path(words[words.index("--dest") + 1]))
        elif words[0].endswith("-strip"):
            Path(words[words.index("-o") + 1]).write_bytes(b"\x7fELF")
        elif "-cf" in words or "-xf" in words:
            run(*command)
        return ""

    def _fetch(self, folder: Path) -> None:
        source = folder / "made"
        source.mkdir()
        (source / "LICENSE").write_text("MIT", "utf-8")
        library = source / "vendor/json"
        library.mkdir(parents=True)
        (library / "LICENSE").write_text("MIT, too", "utf-8")
        name = "llama_cpp_python-1"
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as made:
            made.add(source, f"{name}/{engine.load().folder}")


def test_it_is_pinned_and_made_for_the_boards_cores() -> None:
    loaded = engine.load()
    assert re.fullmatch(r"[0-9a-f]{64}", loaded.sha256)
    (cores,) = [word for word in loaded.options if "ARM_ARCH" in word]
    assert "dotprod" in cores
    assert "i8mm" not in cores  # a Cortex-A76 has none
    assert "-DGGML_NATIVE=OFF" in loaded.options  # the builder's own cores do not matter


def test_only_the_program_and_its_licences_are_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = Toolchain()
    monkeypatch.setattr(engine, "run", tools)
    engine.build(engine.load(), 1000, tmp_path / "engine.tar")
    with tarfile.open(tmp_path / "engine.tar") as made:
        files = [member for member in made.getmembers() if member.isfile()]
        # The folders above are Debian's, whose modes must not change.
        assert all(name.startswith("usr/lib/luna-engine") for name in made.getnames())
        notices = made.extractfile("usr/lib/luna-engine/LICENSE")
        assert notices is not None
        assert notices.read() == b"MIT\nMIT, too"
    assert {file.name: file.mode for file in files} == MADE
    assert {(file.uid, file.gid, file.mtime) for file in files} == {(0, 0, 1000)}
    loaded = engine.load()
    assert tools.wanted.split() == [
        f"{loaded.package}=={loaded.version}",
        f"--hash=sha256:{loaded.sha256}",
    ]
    assert "--require-hashes" in tools.commands[0]
    (configure,) = [words for words in tools.commands if "-G" in words]
    assert set(loaded.options) < set(configure)
    assert "-DCMAKE_SYSTEM_PROCESSOR=aarch64" in configure


def test_every_program_that_compiles_it_can_be_asked_for() -> None:
    known = {name for name in engine.PROGRAMS if PACKAGES.get(name, name) != name}
    assert set(engine.PROGRAMS) - known == {"cmake"}  # its package bears its name


def test_the_board_is_told_where_it_is() -> None:
    settings = config.load([OVERLAY / "usr/share/luna/luna.toml"], {})
    assert settings.cpu_engine.llama_server == Path("/", engine.PROGRAM)


def test_it_is_listed_with_its_source_and_licence() -> None:
    made = sbom.compiled(engine.load(), "ab" * 32)
    assert made.purl == f"pkg:pypi/llama-cpp-python@{engine.load().version}"
    assert (made.kind, made.licence, made.sha256) == ("application", "MIT", "ab" * 32)
