"""A reset forgets everything but who the device is, and does so once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.firstboot.forget import forget, take_wish
from appliance.firstboot.places import Places
from appliance.system import reset_mark
from appliance.system.reset_mark import Reset
from tests.appliance.firstboot.device import cut_everywhere, used

KEPT = {
    "etc/luna/identity.toml",
    "etc/luna/label.toml",
    "etc/NetworkManager/system-connections/wire.nmconnection",
    "etc/machine-id",
    "var/lib/luna/models/small/model.gguf",
}


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_nothing_is_forgotten_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert take_wish(Places(used(tmp_path))) is None


def test_everything_goes_but_identity_and_models(tmp_path: Path) -> None:
    places = Places(used(tmp_path))
    reset_mark.ask(places.data, Reset())
    wish = take_wish(places)
    assert wish == Reset(models=False)
    forget(places, wish)
    assert files(tmp_path) == KEPT
    assert (tmp_path / "etc/luna/luna.d").is_dir()
    assert take_wish(places) is None


def test_models_go_too_when_that_is_asked_for(tmp_path: Path) -> None:
    places = Places(used(tmp_path))
    forget(places, Reset(models=True))
    assert files(tmp_path) == KEPT - {"var/lib/luna/models/small/model.gguf"}
    assert places.data.joinpath("models").is_dir()


@pytest.mark.parametrize(("content", "models"), [("", False), ("Also the MODELS please", True)])
def test_a_file_on_the_boot_partition_asks_once(tmp_path: Path, content: str, models: bool) -> None:
    places = Places(used(tmp_path))
    file = tmp_path / "boot/firmware/Luna-Reset.txt"
    file.write_text(content)
    wish = take_wish(places)
    assert wish is not None
    assert wish.models is models
    assert take_wish(places) == wish, "it outlives a power cut"
    forget(places, wish)
    assert take_wish(places) is None
    os.utime(file, (5, 5))
    assert take_wish(places) is not None, "it was saved anew"


def test_links_lead_nowhere(tmp_path: Path) -> None:
    places = Places(used(tmp_path / "device"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (places.data / "link").symlink_to(outside)
    (places.data / "file").symlink_to(outside / "precious")
    (places.data / "models/small/model.gguf").unlink()
    (places.data / "models/small").rmdir()
    (places.data / "models").rmdir()
    (places.data / "models").symlink_to(outside)
    forget(places, Reset(models=True))
    assert (outside / "precious").exists()
    assert not (places.data / "link").is_symlink()


def test_the_power_may_be_cut_at_any_moment(tmp_path: Path) -> None:
    fresh = used(tmp_path / "fresh")
    reset_mark.ask(fresh / "var/lib/luna", Reset())
    assert cut_everywhere(fresh, tmp_path / "tried", twice=True) > 40


def test_also_when_the_boot_partition_asked(tmp_path: Path) -> None:
    fresh = used(tmp_path / "fresh")
    (fresh / "boot/firmware/luna-reset").write_text("models")
    assert cut_everywhere(fresh, tmp_path / "tried") > 40
