from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli.main import main
from tests.appliance.firstboot.device import flashed


@pytest.mark.needs("openssl")
def test_it_is_done_once_and_says_whether_it_is(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    assert main(["firstboot", "--root", str(root)]) == 0
    assert (root / "var/lib/luna-firstboot/tls/key.pem").is_file()
    (root / "boot/firmware/luna-setup.toml").write_text("passphrase = 5")
    assert main(["firstboot", "--root", str(root)]) == 1
