from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import ConfigError
from appliance.system.identity import Identity
from appliance.system.label import Label, read_label

IDENTITY = Identity("cafe0123", "luna-cafe")


def test_without_a_file_the_network_is_open(tmp_path: Path) -> None:
    assert read_label(tmp_path, IDENTITY) == Label("Luna-CAFE", "")


def test_the_passphrase_is_read_and_never_printed(tmp_path: Path) -> None:
    (tmp_path / "label.toml").write_text('passphrase = "on the label"\nprinted = 2026\n')
    label = read_label(tmp_path, IDENTITY)
    assert label.passphrase == "on the label"
    assert "on the label" not in repr(label)


@pytest.mark.parametrize("text", ["passphrase = 'short'", "passphrase = 7", "passphrase", "\0"])
def test_a_file_that_is_wrong_is_said_without_its_content(tmp_path: Path, text: str) -> None:
    (tmp_path / "label.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"label\.toml has no passphrase") as told:
        read_label(tmp_path, IDENTITY)
    assert "short" not in str(told.value)
