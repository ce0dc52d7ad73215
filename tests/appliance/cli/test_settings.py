from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from appliance.cli import settings
from appliance.errors import ConfigError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    settings.add_options(parser)
    return parser.parse_args(words)


def test_options_win_over_files_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "luna.toml"
    file.write_text("[models]\nfolder = '/from-file'\nmax_loaded = 7\n", "utf-8")
    args = parse(f"--config={file}", "--models-dir=/from-option", f"--data-dir={tmp_path}")
    found = settings.read(args, {"LUNA_MODELS_MAX_LOADED": "8"})
    assert found.models.folder == Path("/from-option")
    assert found.models.max_loaded == 8
    assert found.data == tmp_path
    assert settings.files(args, {}) == [file]


def test_a_file_in_the_usual_place_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".config/luna/luna.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[models]\nmax_loaded = 5\n", "utf-8")
    environ = {"HOME": str(tmp_path)}
    assert file in settings.files(parse(), environ)
    assert settings.read(parse(), environ).models.max_loaded == 5


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        settings.read(parse(f"--config={tmp_path / 'none.toml'}"), {})
