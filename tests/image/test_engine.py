from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from image.builder import engine
from image.builder.programs import BuildError


def test_the_engine_is_pinned_and_made_for_the_boards_cores() -> None:
    loaded = engine.load()
    assert re.fullmatch(r"[0-9a-f]{64}", loaded.sha256)
    assert loaded.purl == f"pkg:pypi/llama-cpp-python@{loaded.version}"
    (cores,) = [word for word in loaded.options if "ARM_ARCH" in word]
    assert "dotprod" in cores
    assert "i8mm" not in cores  # a Cortex-A76 has none


def test_another_source_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*command: str | Path) -> str:
        folder = Path(command[command.index("--dest") + 1])
        with tarfile.open(folder / "llama_cpp_python-0.tar.gz", "w:gz"):
            pass
        return ""

    monkeypatch.setattr(engine, "run", download)
    with pytest.raises(BuildError, match="another SHA-256"):
        engine.build(engine.load(), tmp_path / "engine.tar")
