from pathlib import Path

import pytest

from appliance.errors import ConfigError
from appliance.system.identity import Identity, make_identity, read_identity


def machine(root: Path, id: str) -> Path:
    (root / "etc/luna").mkdir(parents=True, exist_ok=True)
    (root / "etc/machine-id").write_text(f"{id}\n")
    return root


def test_it_is_derived_from_the_machine_and_stays(tmp_path: Path) -> None:
    raw = "0123456789abcdef0123456789abcdef"
    one = read_identity(root=machine(tmp_path / "one", raw))
    assert one == read_identity(root=machine(tmp_path / "same", raw))
    assert one != read_identity(root=machine(tmp_path / "other", raw[::-1]))
    assert one.name == f"luna-{one.short}"
    assert one.name.startswith(f"luna-{one.id[:4]}")
    assert not any(one.id[i : i + 4] in raw for i in range(len(one.id) - 3))


def test_a_machine_without_an_id_has_one_by_its_host_name(tmp_path: Path) -> None:
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/hostname").write_text("thinkpad\n")
    assert len(read_identity(root=tmp_path).id) == 12
    assert read_identity(root=tmp_path / "nothing") == Identity("0" * 12, "luna-0000")


def test_the_file_says_who_it_is(tmp_path: Path) -> None:
    root = machine(tmp_path, "0" * 32)
    own = tmp_path / "state"
    own.mkdir()
    (own / "identity.toml").write_text('id = "ab12cd"\nssid = "Luna-AB12"\n')
    assert read_identity([own], root) == Identity("ab12cd", "luna-ab12")
    (root / "etc/luna/identity.toml").write_text('id = "ff00"\nname = "kitchen"\n')
    assert read_identity([own], root) == Identity("ff00", "kitchen")


@pytest.mark.parametrize(
    "text", ['id = "xyz"', 'id = "ab12"\nname = "Mit Leerzeichen"', "id = 5", "", "id", "\udcff"]
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "identity.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"identity\.toml is no identity"):
        read_identity([tmp_path], tmp_path)


def test_a_new_one_is_the_boards_own_whatever_is_installed(tmp_path: Path) -> None:
    flashed = machine(tmp_path / "flashed", "0" * 32)
    again = machine(tmp_path / "again", "1" * 32)
    for root in (flashed, again):
        (root / "proc/device-tree").mkdir(parents=True)
        (root / "proc/device-tree/serial-number").write_bytes(b"5a3f0c2e1b\0")
    assert make_identity(flashed) == make_identity(again)
    assert make_identity(flashed).setup_network == f"Luna-{make_identity(flashed).short.upper()}"
    pc = machine(tmp_path / "pc", "2" * 32)
    assert make_identity(pc) == read_identity(root=pc)
