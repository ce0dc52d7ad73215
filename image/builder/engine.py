"""The CPU engine for the board's own cores: llama.cpp's server, compiled here for arm64."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from image.builder.programs import run

FILE = Path(__file__).parents[1] / "engine.toml"
# Where it goes on the board; image/overlay/usr/share/luna/luna.toml names it.
PROGRAM = "usr/lib/luna-engine/llama-server"
_CROSS = "aarch64-linux-gnu"
PROGRAMS = ("cmake", "ninja", f"{_CROSS}-gcc", f"{_CROSS}-g++", f"{_CROSS}-strip")


@dataclass(frozen=True, slots=True)
class Engine:
    """A source distribution, which folder of it is built, and how."""

    package: str
    version: str
    sha256: str
    folder: str
    licence: str
    options: tuple[str, ...]


def load(file: Path = FILE) -> Engine:
    """The engine of that file; KeyError, TypeError or ValueError where it is none."""
    content = tomllib.loads(file.read_text("utf-8"))
    return Engine(**{**content, "options": tuple(content["options"])})


def build(engine: Engine, epoch: int, archive: Path) -> None:
    """Write the stripped program and its licences as a tar archive of that time; takes long."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = _fetch(engine, folder) / engine.folder
        made = folder / "build"
        run("cmake", "-S", source, "-B", made, "-G", "Ninja", *_cross(source), *engine.options)
        run("ninja", "-C", made, f"-j{os.cpu_count() or 1}", "llama-server")
        program = folder / "tree" / PROGRAM
        program.parent.mkdir(parents=True)
        run(f"{_CROSS}-strip", "-o", program, made / "bin/llama-server")
        program.chmod(0o755)
        (program.parent / "LICENSE").write_bytes(_licences(source))
        alike = ("--owner=0", "--group=0", "--sort=name", f"--mtime=@{epoch}")
        run("tar", "-C", folder / "tree", *alike, "-cf", archive, Path(PROGRAM).parent)


def _fetch(engine: Engine, folder: Path) -> Path:
    """The unpacked source; pip refuses a file that has another sum."""
    wanted = folder / "requirements.txt"
    line = f"{engine.package}=={engine.version} --hash=sha256:{engine.sha256}\n"
    wanted.write_text(line, "utf-8")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    only_it = ("--no-deps", "--no-binary", engine.package, "--require-hashes")
    run(*pip, *only_it, "--dest", folder, "--requirement", wanted)
    (found,) = folder.glob("*.tar.gz")
    run("tar", "-C", folder, "--no-same-owner", "-xf", found)
    return folder / found.name.removesuffix(".tar.gz")


def _licences(source: Path) -> bytes:
    """Its own and those of the libraries that it brings along."""
    libraries = [*source.glob("licenses/LICENSE*"), *source.glob("vendor/*/LICENSE")]
    return b"\n".join(file.read_bytes() for file in [source / "LICENSE", *sorted(libraries)])


def _cross(source: Path) -> tuple[str, ...]:
    """For arm64, with the compiler's libraries inside, and the same bytes from every folder."""
    same = f"-ffile-prefix-map={source}=."
    return (
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_C_COMPILER={_CROSS}-gcc",
        f"-DCMAKE_CXX_COMPILER={_CROSS}-g++",
        f"-DCMAKE_C_FLAGS={same}",
        f"-DCMAKE_CXX_FLAGS={same}",
        "-DCMAKE_EXE_LINKER_FLAGS=-static-libstdc++ -static-libgcc",
    )
