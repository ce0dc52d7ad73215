from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from appliance.engines.base import ModelSpec
from appliance.engines.llamacpp import command
from appliance.settings import CpuEngineSettings

SPEC = ModelSpec("m", Path("/models/m.gguf"), 10)
LAYOUT = command.Layout(slots=3, context=100, batch=64)
EMBEDDING = command.Layout(slots=1, context=100, batch=100, embedding=True)
RANKING = command.Layout(slots=1, context=100, batch=100, ranking=True)
SAVING = command.Layout(slots=1, context=100, batch=100, slot_folder=Path("/s"))


def program(line: list[str]) -> list[str]:
    """What the launcher becomes."""
    return line[line.index("--") + 1 :]


def test_our_host_gets_every_size(tmp_path: Path) -> None:
    settings = CpuEngineSettings(threads=5, cpus="0,1", nice=2)
    line = command.build(SPEC, LAYOUT, settings, tmp_path / "s.sock")
    assert program(line)[1:] == [
        "-m",
        "appliance.engines.llamacpp.host",
        "--model=/models/m.gguf",
        f"--socket={tmp_path / 's.sock'}",
        "--slots=3",
        "--context=100",
        "--batch=64",
        "--threads=5",
    ]
    assert program(line)[0] == sys.executable
    assert line[line.index("--cpus") + 1] == "0,1"
    assert line[line.index("--nice") + 1] == "2"
    assert "--embedding" in command.build(SPEC, EMBEDDING, settings, tmp_path / "s.sock")
    assert "--ranking" in command.build(SPEC, RANKING, settings, tmp_path / "s.sock")
    assert "--slot-folder=/s" in command.build(SPEC, SAVING, settings, tmp_path / "s.sock")


def test_threads_follow_the_cpus(tmp_path: Path) -> None:
    def threads(settings: CpuEngineSettings) -> str:
        return program(command.build(SPEC, LAYOUT, settings, tmp_path / "s.sock"))[-1]

    assert threads(CpuEngineSettings(cpus="4-7")) == "--threads=4"
    assert threads(CpuEngineSettings()) == f"--threads={os.cpu_count()}"


def test_a_binary_gets_its_own_options(tmp_path: Path) -> None:
    settings = CpuEngineSettings(llama_server=Path("/opt/llama-server"), threads=2)
    line = program(command.build(SPEC, LAYOUT, settings, tmp_path / "s.sock"))
    assert line[:2] == ["/opt/llama-server", "--jinja"]
    options = dict(zip(line[2::2], line[3::2], strict=True))
    assert options["--ctx-size"] == "300"
    assert options["--batch-size"] == options["--ubatch-size"] == "64"
    assert options["--parallel"] == "3"
    assert (options["--cache-ram"], options["--fit"]) == ("0", "off")
    assert options["--model"] == "/models/m.gguf"
    assert options["--host"] == str(tmp_path / "s.sock")
    embedding = program(command.build(SPEC, EMBEDDING, settings, tmp_path / "s.sock"))
    assert embedding[-4:] == ["--no-repack", "--embeddings", "--pooling", "mean"]
    ranking = program(command.build(SPEC, RANKING, settings, tmp_path / "s"))
    assert ranking[-2:] == ["--no-repack", "--reranking"]
    saving = program(command.build(SPEC, SAVING, settings, tmp_path / "s"))
    assert saving[saving.index("--slot-save-path") + 1] == "/s"


def test_an_owner_may_go_back_to_the_built_in_engine(tmp_path: Path) -> None:
    settings = CpuEngineSettings(llama_server=Path())  # how "" is read
    assert "appliance.engines.llamacpp.host" in command.build(
        SPEC, LAYOUT, settings, tmp_path / "s"
    )


def test_a_template_is_written_beside_the_socket(tmp_path: Path) -> None:
    spec = ModelSpec("m", Path("m.gguf"), 10, chat_template="{{ 'é' }}")
    template = tmp_path / "template.jinja"
    for settings in (CpuEngineSettings(), CpuEngineSettings(llama_server=Path("/x"))):
        line = " ".join(command.build(spec, LAYOUT, settings, tmp_path / "s.sock"))
        assert f"--chat-template-file{'=' if '/x' not in line else ' '}{template}" in line
        assert template.read_text("utf-8") == "{{ 'é' }}"


def test_layers_of_a_gpu_are_told_where_they_are_chosen(tmp_path: Path) -> None:
    chosen, binary = replace(SPEC, gpu_layers=7), CpuEngineSettings(llama_server=Path("/x"))
    ours = command.build(chosen, LAYOUT, CpuEngineSettings(), tmp_path / "s.sock")
    assert "--gpu-layers=7" in ours
    theirs = command.build(chosen, LAYOUT, binary, tmp_path / "s.sock")
    assert theirs[theirs.index("--n-gpu-layers") + 1] == "7"
    assert "--n-gpu-layers" not in command.build(SPEC, LAYOUT, binary, tmp_path / "s.sock")
