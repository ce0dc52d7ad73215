from __future__ import annotations

import errno
from pathlib import Path

import pytest

from appliance.errors import NotFound, Retryable
from provisioning.credentials import Account, Credentials, Security
from provisioning.import_file import REPORT, find, options, scrub, take_over
from provisioning.wifi_file import BadWifiFile

TEXT = """country = "DE"
[[network]]
ssid = "home"
password = "correct horse"
[[network]]
ssid = "cottage"
"""


class Service:
    """What an import asks of the provisioning service."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.asked: list[tuple[object, ...]] = []

    def remember(self, ssid: bytes, secret: bytes, options: dict[str, bool | str]) -> None:
        if self.fails:
            raise Retryable("not now")
        self.asked.append((ssid, secret, options))

    def set_country(self, code: str) -> None:
        self.asked.append(("country", code))

    def stop_hotspot(self) -> None:
        self.asked.append(("stop",))


def test_networks_are_saved_once_and_the_passwords_are_gone(tmp_path: Path) -> None:
    (tmp_path / "LUNA-WIFI.TOML").write_text(TEXT)
    service = Service()
    saved = take_over(tmp_path, service)
    assert [each.ssid for each in saved] == [b"home", b"cottage"]
    assert service.asked == [
        ("country", "DE"),
        (b"home", b"correct horse", {}),
        (b"cottage", b"", {}),
        ("stop",),
    ]
    assert [path.name for path in tmp_path.iterdir()] == [REPORT]
    assert "correct horse" not in (tmp_path / REPORT).read_text()
    with pytest.raises(NotFound, match=r"luna-wifi\.toml"):
        take_over(tmp_path, service)


def test_a_file_of_wpa_supplicant_will_do(tmp_path: Path) -> None:
    (tmp_path / "wpa_supplicant.conf").write_text('network={\nssid="home"\npsk="12345678"\n}\n')
    assert [each.ssid for each in take_over(tmp_path, Service())] == [b"home"]


def test_a_service_that_is_away_leaves_the_file_for_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "luna-wifi.toml"
    file.write_text(TEXT)
    with pytest.raises(Retryable):
        take_over(tmp_path, Service(fails=True))
    assert file.read_text() == TEXT


def test_a_file_that_cannot_be_understood_stays(tmp_path: Path) -> None:
    (tmp_path / "luna-wifi.toml").write_text("[")
    with pytest.raises(BadWifiFile):
        take_over(tmp_path, Service())
    assert (tmp_path / "luna-wifi.toml").exists()


def test_a_file_that_cannot_be_removed_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "luna-wifi.toml").write_text(TEXT)

    def refuse(path: Path, mode: str) -> None:
        assert mode == "r+b"
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuse)  # a test that runs as root may write everywhere
    service = Service()
    with pytest.raises(BadWifiFile, match="make the medium writable"):
        take_over(tmp_path, service)
    assert service.asked == []


def test_what_is_scrubbed_is_overwritten_first(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("correct horse")
    other = tmp_path / "same"
    other.hardlink_to(file)
    scrub(file)
    assert not file.exists()
    assert other.read_bytes() == bytes(13)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read"):
        find(tmp_path / "none")


def test_options_say_all_that_credentials_do() -> None:
    account = Account("ann", anonymous="anyone", domain="uni.example")
    credentials = Credentials(b"uni", b"pw", hidden=True, account=account)
    assert options(credentials) == {
        "hidden": True,
        "identity": "ann",
        "method": "peap",
        "anonymous": "anyone",
        "domain": "uni.example",
    }
    assert options(Credentials(b"x", security=Security.OWE)) == {"security": "owe"}
