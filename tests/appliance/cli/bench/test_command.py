from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli.main import build_parser, main
from tests.helpers.server import ONE_THREAD, ROOT, RunningLuna, clean_environment, tiny_model

BENCH = [sys.executable, "-m", "appliance.cli.main", "bench"]


def bench(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*BENCH, "--tokens=4", "--prompt-tokens=20", "--rounds=1", *options]
    environ = clean_environment(home, ONE_THREAD)
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=100, check=False
    )


@pytest.mark.needs("engine")
def test_it_measures_against_the_engine(tmp_path: Path) -> None:
    folder = f"--models-dir={tiny_model().parent}"
    done = bench(tmp_path, folder, "--clients=1,2", "--peer", f"--json={tmp_path / 'x.json'}")
    assert done.returncode == 0, done.stderr
    assert "LUNA / ENGINE" in done.stdout
    found = json.loads((tmp_path / "x.json").read_text("utf-8"))
    assert found["plan"]["model"] == "tiny"
    assert found["machine"]["cores"] >= 1
    for name in ("luna", "engine"):
        rows = found["results"][name]
        assert [row["clients"] for row in rows] == [1, 2]
        assert [row["failures"] for row in rows] == [0, 0]
        assert all(row["throughput"] > 0 and row["first_p50"] > 0 for row in rows)
        assert all(abs(row["prompt_tokens"] - 20) < 10 for row in rows)
    assert [row["clients"] for row in found["comparisons"]] == [1, 2]


@pytest.mark.needs("engine")
def test_it_measures_a_running_server(tmp_path: Path) -> None:
    with RunningLuna(tmp_path) as luna:
        done = bench(tmp_path, "--clients=3", "--url", luna.url, "--json=-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["plan"]["url"] == luna.url
    assert found["results"]["luna"][0]["requests"] == 3
    assert found["comparisons"] == []


def test_a_server_elsewhere_has_no_peer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--url", "http://localhost:1", "--peer"]) == 1
    assert "leave out --url" in capsys.readouterr().err


@pytest.mark.parametrize("clients", ["", "0", "a", "1,", "-1", "1.5"])
def test_numbers_of_clients_are_checked(clients: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["bench", f"--clients={clients}"])
    assert "is not a number above zero" in capsys.readouterr().err
