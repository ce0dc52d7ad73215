"""The CPU engine for the board's own cores: llama.cpp's server, compiled here for arm64."""

from __future__ import annotations

import os
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from image.builder.programs import BuildError, run
from image.builder.vendor import sha256

FILE = Path(__file__).parents[1] / "engine.toml"
# Where it goes on the board; its unit says so to the server.
FOLDER = "usr/lib/luna-engine"
_CROSS = "aarch64-linux-gnu"
PROGRAMS = ("cmake", "ninja", f"{_CROSS}-gcc", f"{_CROSS}-g++", f"{_CROSS}-strip")


@dataclass(frozen=True, slots=True)
class Engine:
    """A source distribution, which folder of it is built, and how."""

    package: str
    version: str
    sha256: str
    folder: str
    target: str
    options: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its source, as a package URL."""
        return f"pkg:pypi/{self.package.replace('_', '-')}@{self.version}"


def load(file: Path = FILE) -> Engine:
    """The engine of that file; KeyError, TypeError or ValueError where it is none."""
    content = tomllib.loads(file.read_text("utf-8"))
    return Engine(**{**content, "options": tuple(content["options"])})


def build(engine: Engine, archive: Path) -> None:
    """Write the stripped program and its licence as a tar archive; takes long."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = _fetch(engine, folder) / engine.folder
        made = folder / "build"
        run("cmake", "-S", source, "-B", made, "-G", "Ninja", *_cross(), *engine.options)
        run("ninja", "-C", made, f"-j{os.cpu_count() or 1}", engine.target)
        tree = folder / "tree" / FOLDER
        tree.mkdir(parents=True)
        program = tree / engine.target
        run(f"{_CROSS}-strip", "-o", program, made / "bin" / engine.target)
        program.chmod(0o755)
        (tree / "LICENSE").write_bytes((source / "LICENSE").read_bytes())
        run("tar", "-C", folder / "tree", "--owner=0", "--group=0", "-cf", archive, ".")


def _fetch(engine: Engine, folder: Path) -> Path:
    """The unpacked source, after its sum was checked."""
    wanted = f"{engine.package}=={engine.version}"
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--no-binary", engine.package, "--dest", folder, wanted)
    (found,) = folder.glob("*.tar.gz")
    if sha256(found) != engine.sha256:
        raise BuildError(f"{found.name} has another SHA-256 than {FILE} says: {sha256(found)}")
    with tarfile.open(found) as opened:
        opened.extractall(folder, filter="data")
    return folder / found.name.removesuffix(".tar.gz")


def _cross() -> tuple[str, ...]:
    """For the board's architecture, and with no library that the board would have to have."""
    return (
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_C_COMPILER={_CROSS}-gcc",
        f"-DCMAKE_CXX_COMPILER={_CROSS}-g++",
        "-DCMAKE_EXE_LINKER_FLAGS=-static-libstdc++ -static-libgcc",
    )
