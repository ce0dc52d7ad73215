from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.cli.models.bar import Bar, bar
from tests.helpers.hub import FakeHub, Fault
from tests.helpers.server import RunningLuna, tiny_model


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    model = tiny_model().read_bytes()
    with FakeHub({"ann/tiny": {"t-Q4_K_M.gguf": model, "t-Q8_0.gguf": model}}) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "LUNA_API_KEY", "LUNA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LUNA_DOWNLOADS_HUB", hub.url)
    return tmp_path / "models"


def pull(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["models", "pull", *words])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_without_a_server_it_is_done_here(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = pull(capsys, "ann/tiny", f"--models-dir={folder}")
    assert status == 0
    assert "t-Q4_K_M.gguf" in said
    assert "100 %" in said
    assert (folder / "t-Q4_K_M" / "t-Q4_K_M.gguf").read_bytes() == tiny_model().read_bytes()
    assert "t-Q4_K_M is there" in pull(capsys, "hf.co/ann/tiny", f"--models-dir={folder}")[1]
    assert main(["models", f"--models-dir={folder}", "info", "ann/tiny"]) == 0
    assert "ann/tiny" in capsys.readouterr().out


def test_a_file_or_a_quantisation_can_be_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pull(capsys, "ann/tiny:q8_0", f"--models-dir={folder}")[0] == 0
    assert (folder / "t-Q8_0").is_dir()
    assert pull(capsys, "ann/tiny:t-Q4_K_M.gguf", f"--models-dir={folder}")[0] == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [("tiny", "owner/repository"), ("ann/none", "no 'ann/none'"), ("ann/tiny:Q9", "Q8_0")],
)
def test_what_cannot_be_fetched_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    status, said = pull(capsys, name, f"--models-dir={folder}")
    assert status == 1
    assert why in said


def test_it_goes_on_where_an_earlier_one_stopped(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.faults.extend([Fault(cut=1000), Fault(status=404)])
    assert pull(capsys, "ann/tiny", f"--models-dir={folder}")[0] == 1
    assert pull(capsys, "ann/tiny", f"--models-dir={folder}")[0] == 0
    assert hub.contents()[-1].headers["range"] == "bytes=1000-"


def test_a_running_server_does_it(
    folder: Path, tmp_path: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "server"
    with RunningLuna(home, models=[], environ={"LUNA_DOWNLOADS_HUB": hub.url}) as luna:
        status, said = pull(capsys, "ann/tiny", "--url", luna.url)
        assert (status, "fetches t-Q4_K_M.gguf" in said) == (0, True)
        assert (luna.models / "t-Q4_K_M").is_dir()
        assert pull(capsys, "ann/tiny", "--url", luna.url) == (0, "ann/tiny is there.\n")
        status, said = pull(capsys, "ann/tiny:Q9", "--url", luna.url)
        assert (status, "Q8_0" in said) == (1, True)
    status, said = pull(capsys, "ann/tiny", "--url", luna.url)
    assert (status, "No server answers" in said) == (1, True)
    assert not folder.exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_is_drawn_again() -> None:
    out, times = Terminal(), iter(range(100))
    drawing = Bar(out, 4_000_000, lambda: next(times))
    for done in (0, 1_000_000, 4_000_000):
        drawing.show(done)
    drawing.end()
    assert out.getvalue().count("\r") == 3
    assert out.getvalue().rstrip().endswith("100 %  4.0 MB of 4.0 MB")
    assert out.getvalue().endswith("\n")


def test_a_file_gets_a_line_at_every_tenth() -> None:
    out, times = io.StringIO(), iter(range(2000))
    drawing = Bar(out, 1000, lambda: next(times))
    for done in range(1001):
        drawing.show(done)
    drawing.end()
    assert len(out.getvalue().splitlines()) == 11


def test_a_bar_tells_how_long_it_still_takes() -> None:
    assert bar(10**9, 2 * 10**9, 10**7) == (
        "[############------------]  50 %  1.0 GB of 2.0 GB  10.0 MB/s  1:40 left"
    )
    assert bar(0, 0, 0.0).startswith("[########################] 100 %")
    assert bar(1, 10**9, 10**5).endswith("2:46:39 left")
