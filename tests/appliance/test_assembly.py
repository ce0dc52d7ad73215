from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance import config
from appliance.assembly import Appliance
from appliance.errors import ConfigError


def build(folder: Path, overrides: Mapping[str, object] | None = None) -> Appliance:
    values = {"server.host": "127.0.0.1", "server.port": 0, "data": str(folder)}
    settings = config.load([], {}, values | dict(overrides or {}))
    return Appliance(settings, {})


def test_it_answers_from_start_to_stop(tmp_path: Path) -> None:
    appliance = build(tmp_path, {"server.drain_seconds": 1})
    appliance.start()
    try:
        (url,) = appliance.urls
        with urllib.request.urlopen(f"{url}/v1/models", timeout=30) as response:
            assert json.load(response)["object"] == "list"
        assert (tmp_path / "models").is_dir()
    finally:
        appliance.stop()
    assert [t.name for t in threading.enumerate() if t.name.startswith("luna")] == []
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/v1/models", timeout=30)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("setting", ["server.tls_certificate", "server.tls_key"])
def test_half_of_tls_is_refused(tmp_path: Path, setting: str) -> None:
    before = threads()
    with pytest.raises(ConfigError, match="both"):
        build(tmp_path, {setting: str(tmp_path / "x.pem")})
    assert threads() == before


def test_a_models_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = threads()
    with pytest.raises(ConfigError, match="--models-dir"):
        build(tmp_path, {"models.folder": str(tmp_path / "file" / "models")})
    assert threads() == before
