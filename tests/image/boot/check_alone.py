"""A cable that leads to nobody and a clock that is ten years wrong; then a factory reset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.boot.look import wait_for_verdict
from tests.image.qemu import Hardware, Machine, free_port, running

pytestmark = pytest.mark.timeout(2400)
ADDRESS = "169.254.200.10"


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    cable = f"socket,model=virtio-net-pci,listen=127.0.0.1:{free_port()}"
    hardware = Hardware(network=cable, more=("-rtc", "base=2016-01-01T00:00:00"))
    with running(image, tmp_path_factory.mktemp("machine"), hardware) as made:
        made.boot()
        made.settle()
        yield made


def fetch(machine: Machine, url: str, body: str = "") -> str:
    """What a program in the machine is answered."""
    data = f", data={body.encode()!r}" if body else ""
    (machine.share / "fetch.py").write_text(
        "import urllib.request as u\n"
        f"request = u.Request({url!r}, headers={{'Content-Type': 'application/json'}}{data})\n"
        "print(u.urlopen(request, timeout=60).read().decode())\n",
        "utf-8",
    )
    return machine.ask("python3 /run/share/fetch.py")


def test_every_unit_is_well_without_a_network_and_a_clock(machine: Machine) -> None:
    assert machine.ask("systemctl --failed --plain --no-legend") == ""
    assert machine.do("systemctl is-system-running").output.strip() == "running"
    wait_for_verdict(machine)


def test_the_fixed_address_of_the_cable_answers(machine: Machine) -> None:
    addresses = machine.ask("ip -4 -o addr show scope link; ip -4 -o addr show scope global")
    assert f"{ADDRESS}/16" in addresses
    ask = (
        f"import urllib.request as u; print(u.urlopen('http://{ADDRESS}/luna', timeout=60).read())"
    )
    assert '"device":"luna"' in machine.ask(f'python3 -c "{ask}"').replace(" ", "")


def test_keys_on_the_boot_partition_open_a_login_and_without_them_nobody_listens(
    machine: Machine,
) -> None:
    keys, login = "/boot/luna/authorized_keys", "dbclient -y -y -i /run/{} root@localhost id -un"
    write = "mount -o remount,rw /boot/luna && {} && mount -o remount,ro /boot/luna"
    machine.ask("cd /run && for name in mine other; do dropbearkey -t ed25519 -f $name; done")
    machine.ask(write.format(f"dropbearkey -y -f /run/mine | grep ^ssh- > {keys}"))
    # As at the next start.
    machine.ask("systemctl restart luna-ssh")
    machine.wait_for(f"{login.format('mine')} | grep -qx root", 60)
    assert machine.do(login.format("other")).status != 0
    machine.ask(write.format(f"echo nonsense > {keys}"))
    machine.ask("systemctl restart luna-ssh")
    assert machine.ask("ss -Htln 'sport = :22'") == ""
    assert "no public key" in machine.ask("journalctl -b -u luna-ssh --no-pager -o cat")
    machine.ask(write.format(f"rm {keys}"))
    machine.ask("systemctl restart luna-ssh")
    assert machine.ask("ss -Htln 'sport = :22'") == ""
    assert machine.ask("systemctl --failed --plain --no-legend") == ""


def test_a_wifi_file_on_the_boot_partition_is_taken_over_and_removed(machine: Machine) -> None:
    (machine.share / "wifi").write_text(
        '[[network]]\nssid = "Café"\npassword = "12345678"\n', "utf-8"
    )
    machine.ask(
        "mount -o remount,rw /boot/luna && cp /run/share/wifi /boot/luna/luna-wifi.toml && "
        "mount -o remount,ro /boot/luna && systemctl start luna-boot-wifi"
    )
    assert machine.do("test -e /boot/luna/luna-wifi.toml").status != 0
    assert machine.do("touch /boot/luna/x").status != 0
    saved = machine.ask("grep -rl 12345678 /etc/NetworkManager/system-connections")
    assert saved != ""
    assert "12345678" not in machine.ask("journalctl -b --no-pager -o cat -u luna-boot-wifi")


def test_a_factory_reset_forgets_and_comes_back(machine: Machine) -> None:
    machine.ask("echo '[server]' > /etc/luna/luna.d/own.toml; hostname > /run/share/name")
    before = machine.ask("cat /proc/sys/kernel/random/boot_id")
    fetch(machine, "http://127.0.0.1/luna/reset", '{"models": false}')
    machine.booted_after(before)
    assert machine.settle() == "running"
    assert machine.do("test -e /etc/luna/luna.d/own.toml").status != 0
    machine.ask("test -e /var/lib/luna-firstboot/done")
    assert machine.do("test -e /var/lib/luna-ssh/ed25519").status != 0
    assert machine.do("grep -rl 12345678 /etc/NetworkManager/system-connections").status != 0
    assert machine.ask("hostname") == (machine.share / "name").read_text("utf-8").strip()
