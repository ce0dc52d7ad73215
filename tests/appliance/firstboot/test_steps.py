"""A device becomes somebody, once, and whenever the power is cut."""

from __future__ import annotations

import stat
from pathlib import Path

from appliance.domain.keys import digest
from appliance.errors import LunaError
from appliance.firstboot.places import Places
from appliance.firstboot.steps import FirstBoot, Tools
from appliance.system import first_key
from appliance.system.bus import BusLost
from appliance.system.identity import Identity, read_identity
from appliance.system.label import read_label
from tests.appliance.firstboot.device import cut_everywhere, flashed


def certify(identity: Identity, key: Path, certificate: Path) -> None:
    key.write_text(f"key of {identity.id}")
    certificate.write_text(f"certificate of {identity.id}")


def boot(root: Path) -> bool:
    return FirstBoot(Places(root), Tools(certify, lambda: False)).run()


def tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file with its inode: one that was written again has another."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_mode, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and path.name != "done"
    }


def test_it_becomes_somebody(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    assert boot(root)
    who = read_identity(root=root)
    assert (root / "etc/luna/identity.toml").is_file()
    tls = root / "var/lib/luna-firstboot/tls"
    assert (tls / "key.pem").read_text() == f"key of {who.id}"
    assert stat.S_IMODE((tls / "key.pem").stat().st_mode) == 0o640
    assert sorted(each.name for each in tls.iterdir()) == ["certificate.pem", "key.pem"]
    assert (root / "var/lib/luna-firstboot/done").exists()


def test_its_owner_gets_a_key_once(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    boot(root)
    secret = first_key.show(root)
    assert stat.S_IMODE((root / first_key.SHOWN).stat().st_mode) == 0o640
    handed = first_key.handed(root / "var/lib/luna")
    assert handed is not None
    assert handed.digest_bytes == digest(secret)
    first_key.taken(root / "var/lib/luna")
    first_key.seen(root)
    boot(root)
    assert first_key.show(root) == ""
    assert first_key.handed(root / "var/lib/luna") is None


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    boot(root)
    before = tree(root)
    assert boot(root)
    assert tree(root) == before


def test_it_stays_somebody_when_its_state_is_lost(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    boot(root)
    (root / "etc/machine-id").write_text("f" * 32)
    who = read_identity(root=root)
    (root / "var/lib").rename(root / "var/gone")
    (root / "var/lib/luna").mkdir(parents=True)
    assert boot(root)
    assert read_identity(root=root) == who


def test_the_label_is_taken_from_the_boot_partition(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    given = root / "boot/firmware/LUNA-SETUP.TOML"
    given.write_text('passphrase = "a \\"fine\\" \\\\ one"\n')
    assert boot(root)
    settings = root / "etc/luna"
    assert read_label(settings, read_identity(root=root)).passphrase == 'a "fine" \\ one'
    assert stat.S_IMODE((settings / "label.toml").stat().st_mode) == 0o640
    given.write_text('passphrase = "another one"\n')
    assert boot(root)
    assert read_label(settings, read_identity(root=root)).passphrase == "another one"
    given.unlink()
    assert boot(root)
    assert read_label(settings, read_identity(root=root)).passphrase == "another one"


def test_the_boot_partition_may_say_who_it_is(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    given = root / "boot/firmware/luna-setup.toml"
    given.write_text('id = "feed0123"\npassphrase = "on the label"\n')
    assert boot(root)
    assert read_identity(root=root) == Identity("feed0123", "luna-feed")
    given.write_text('id = "0000"\n')
    assert boot(root)
    assert read_identity(root=root).id == "feed0123", "it stays who it is"


def test_a_bad_label_keeps_nothing_else_from_being_done(tmp_path: Path) -> None:
    root = flashed(tmp_path)
    (root / "boot/firmware/luna-setup.toml").write_text('passphrase = "short"\n')
    assert not boot(root)
    assert not (root / "etc/luna/label.toml").exists()
    assert (root / "var/lib/luna-firstboot/tls/certificate.pem").exists()
    assert not (root / "var/lib/luna-firstboot/done").exists()


def test_only_a_name_that_nobody_chose_is_changed(tmp_path: Path) -> None:
    root, names = flashed(tmp_path), list[str]()
    FirstBoot(Places(root), Tools(certify, lambda: False, names.append)).run()
    assert names == []
    FirstBoot(Places(root), Tools(certify, lambda: True, names.append)).run()
    assert names == [read_identity(root=root).name]


def test_without_a_bus_only_the_host_name_is_missing(tmp_path: Path) -> None:
    def set_name(name: str) -> None:
        raise BusLost("There is no bus.")

    assert FirstBoot(Places(flashed(tmp_path)), Tools(certify, lambda: True, set_name)).run()


def test_what_fails_is_tried_again(tmp_path: Path) -> None:
    def fail(identity: Identity, key: Path, certificate: Path) -> None:
        raise LunaError("There is no openssl.")

    root = flashed(tmp_path)
    assert not FirstBoot(Places(root), Tools(fail, lambda: False)).run()
    assert boot(root)


def test_the_power_may_be_cut_at_any_moment(tmp_path: Path) -> None:
    fresh = flashed(tmp_path / "fresh")
    (fresh / "boot/firmware/luna-setup.toml").write_text('passphrase = "on the label"\n')
    assert cut_everywhere(fresh, tmp_path / "tried") > 20
