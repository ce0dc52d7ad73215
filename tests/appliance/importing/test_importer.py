from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest

from appliance.importing.importer import Importer
from appliance.importing.progress import Progress
from appliance.models.folder import scan
from tests.helpers import random_model
from tests.helpers.wire import eventually


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model.tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


class Desk:
    """A stick, our models folder, and what was told."""

    def __init__(self, folder: Path, tiny: Path) -> None:
        self.stick, self.models = folder / "stick", folder / "models"
        self.stick.mkdir()
        self.models.mkdir()
        self.models.chmod(0o2775)  # as on a device
        self.tiny = tiny
        self.told: list[Progress] = []
        self.free = 10**12

    def put(self, name: str) -> Path:
        target = self.stick / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(self.tiny, target))

    def run(self) -> Progress:
        clock = iter(range(10**6)).__next__
        return Importer(
            self.stick, self.models, self.told.append, lambda folder: self.free, clock
        ).run()

    @property
    def names(self) -> list[str]:
        return [entry.id for entry in scan(self.models) if entry.usable]

    @property
    def hidden(self) -> list[Path]:
        return [path for path in self.models.iterdir() if path.name.startswith(".importing")]


@pytest.fixture
def desk(tmp_path: Path, tiny: Path) -> Desk:
    return Desk(tmp_path, tiny)


def test_models_can_be_used_afterwards(desk: Desk) -> None:
    desk.put("one.gguf")
    desk.put("two/model.gguf")
    (desk.stick / "two/luna.toml").write_text("context = 512\n")
    result = desk.run()
    assert (result.state, result.problems) == ("done", ())
    assert "2 models can be used now" in result.message
    assert desk.names == ["one", "two"]
    assert scan(desk.models)[1].manifest.context == 512
    assert (desk.models / "one").stat().st_mode & 0o7777 == 0o2775
    shares = [each.percent for each in desk.told]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert desk.told[0].state == "copying"


def test_a_stick_with_an_update_is_not_to_be_removed_yet(desk: Desk) -> None:
    (desk.stick / "luna.raucb").touch()
    assert desk.run().message == "There is an update on this stick."
    desk.put("one.gguf")
    assert desk.run().message == "one can be used now; there is an update, too."


def test_what_is_there_already_is_not_copied_again(desk: Desk) -> None:
    desk.put("one.gguf")
    desk.run()
    before = (desk.models / "one/one.gguf").stat().st_ino
    assert desk.run().state == "done"
    assert (desk.models / "one/one.gguf").stat().st_ino == before


def test_another_model_of_that_name_stays(desk: Desk) -> None:
    desk.put("one.gguf")
    (desk.models / "one").mkdir()
    (desk.models / "one/one.gguf").write_bytes(b"mine")
    result = desk.run()
    assert result.state == "failed"
    assert "luna models rm 'one'" in result.problems[0]
    assert (desk.models / "one/one.gguf").read_bytes() == b"mine"


def test_a_broken_one_does_not_keep_others_out(desk: Desk) -> None:
    (desk.stick / "broken.gguf").write_bytes(b"GGUF")
    desk.put("good.gguf")
    result = desk.run()
    assert desk.names == ["good"]
    assert result.problems[0].startswith("broken: ")


def test_the_disk_is_never_filled(desk: Desk) -> None:
    desk.put("one.gguf")
    desk.free = desk.tiny.stat().st_size + 10**6
    result = desk.run()
    assert "not enough room" in result.problems[0]
    assert desk.names == []


def test_a_stick_that_is_pulled_out_leaves_nothing_behind(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put("one.gguf")
    desk.put("two.gguf")
    failed: list[bool] = []

    def tell(progress: Progress) -> None:
        desk.told.append(progress)
        if not failed and progress.state == "copying":
            failed.append(True)
            raise OSError(5, "Input/output error")

    result = Importer(desk.stick, desk.models, tell, lambda folder: 10**12).run()
    assert result.problems == ("one: it could not be copied (Input/output error).",)
    assert desk.names == ["two"]
    assert desk.hidden == []


def test_an_empty_stick_is_told(desk: Desk) -> None:
    assert "no .gguf or .rkllm" in desk.run().message


def _copy_slowly(stick: Path, models: Path, ready: Path) -> None:
    def tell(progress: Progress) -> None:
        ready.touch()
        signal.pause()

    Importer(stick, models, tell, lambda folder: 10**12).run()


def test_a_kill_leaves_no_half_model_and_the_next_time_heals(desk: Desk, tmp_path: Path) -> None:
    desk.put("one.gguf")
    ready = tmp_path / "ready"
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_copy_slowly, args=(desk.stick, desk.models, ready))
    process.start()
    eventually(ready.exists, "copying")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    process.close()
    assert desk.names == []
    assert len(desk.hidden) == 1
    assert desk.run().state == "done"
    assert desk.names == ["one"]
    assert desk.hidden == []
