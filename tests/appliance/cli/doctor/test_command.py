from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli.doctor.check import ok, problem
from appliance.cli.doctor.command import as_text
from tests.helpers.server import ONE_THREAD, ROOT, RunningLuna, clean_environment, tiny_model

DOCTOR = [sys.executable, "-m", "appliance.cli.main", "doctor"]


def doctor(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = clean_environment(home, ONE_THREAD | {"LUNA_SERVER_PORT": "0"})
    return subprocess.run(
        [*DOCTOR, *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environ,
        timeout=110,
        check=False,
    )


@pytest.mark.needs("engine")
def test_every_check_has_its_finding(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(tiny_model(), models)
    (models / "bad.gguf").write_bytes(b"nothing")
    with RunningLuna(tmp_path / "luna") as luna:
        done = doctor(tmp_path, "--json", "--url", luna.url, f"--models-dir={models}")
    assert done.stderr == ""
    findings = json.loads(done.stdout)
    found = {finding["name"]: finding for finding in findings}
    assert found.keys() >= {"settings", "python", "processor", "memory", "temperature", "clock"}
    assert found.keys() >= {"npu", "engine library", "engine", "tools", "port"}
    assert found["server"]["level"] == "ok"
    assert found["models"]["level"] == "warning"
    assert "'bad'" in found["models"]["sentence"]
    assert all(finding["remedy"] for finding in findings if finding["level"] != "ok")
    problems = [finding for finding in findings if finding["level"] == "problem"]
    assert done.returncode == (1 if problems else 0)


@pytest.mark.needs("engine")
def test_wrong_settings_are_a_problem_and_not_the_end(tmp_path: Path) -> None:
    file = tmp_path / "luna.toml"
    file.write_text("[server]\nport = 'many'\n", "utf-8")
    done = doctor(tmp_path, f"--config={file}")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    assert any(
        line.startswith("problem   settings:") and str(file) in line
        for line in done.stdout.splitlines()
    )


def test_people_get_lines_and_a_sum() -> None:
    findings = [ok("a", "Fine."), problem("b", "Bad\x1b[2J.", "Do this.")]
    lines = as_text(findings).splitlines()
    assert lines[0].split() == ["ok", "a:", "Fine."]
    assert "Bad[2J." in lines[1]
    assert lines[2].strip() == "-> Do this."
    assert lines[-1] == "1 problems, 0 warnings."
    assert "\x1b[31mproblem" in as_text(findings, colours=True)
