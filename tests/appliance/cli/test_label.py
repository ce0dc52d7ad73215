from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.firstboot.places import Places
from appliance.firstboot.steps import FirstBoot, Tools
from appliance.system.identity import Identity, read_identity
from appliance.system.label import read_label
from tests.appliance.firstboot.device import flashed

FILES = ["luna-label.pdf", "luna-label.png"]


def certify(identity: Identity, key: Path, certificate: Path) -> None:
    key.touch()
    certificate.touch()


def test_a_device_that_is_there_gets_its_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "etc/luna"
    settings.mkdir(parents=True)
    (settings / "identity.toml").write_text('id = "cafe0123"\n')
    out = tmp_path / "out/deep"
    assert main(["label", str(out), "--root", str(tmp_path)]) == 0
    assert sorted(each.name for each in out.iterdir()) == FILES
    assert "is open" in capsys.readouterr().out
    (settings / "label.toml").write_text('passphrase = "on the label"\n')
    assert main(["label", str(out), "--root", str(tmp_path)]) == 0
    assert "on the label" not in capsys.readouterr().out


def test_a_new_device_becomes_what_its_label_says(tmp_path: Path) -> None:
    out = tmp_path / "box"
    assert main(["label", "--new", str(out)]) == 0
    assert sorted(each.name for each in out.iterdir()) == [*FILES, "luna-setup.toml"]
    root = flashed(tmp_path / "device")
    (root / "boot/luna-setup.toml").write_bytes((out / "luna-setup.toml").read_bytes())
    assert FirstBoot(Places(root), Tools(certify, lambda: False)).run()
    who = read_identity(root=root)
    assert f'id = "{who.id}"' in (out / "luna-setup.toml").read_text()
    assert len(read_label(root / "etc/luna", who).passphrase) == 14


def test_no_label_is_made_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["label", "--new", str(tmp_path)]) == 0
    before = (tmp_path / "luna-setup.toml").read_bytes()
    assert main(["label", "--new", str(tmp_path)]) == 1
    assert "name another folder" in capsys.readouterr().err
    assert (tmp_path / "luna-setup.toml").read_bytes() == before
