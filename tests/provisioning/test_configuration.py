from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from appliance.errors import ConfigError
from appliance.system.identity import Identity
from provisioning.configuration import load, setup_network

ROOT = Path(__file__).parents[2]
IDENTITY = Identity("cafe0123", "luna-cafe")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder


def test_nothing_is_needed(tmp_path: Path) -> None:
    network = setup_network(load(tmp_path), tmp_path, IDENTITY)
    assert network.ssid == b"Luna-CAFE"
    assert network.passphrase == ""
    assert network.address == "10.42.0.1/24"


def test_the_label_gives_the_passphrase(tmp_path: Path) -> None:
    write(tmp_path, label='passphrase = "on the label"')
    assert setup_network(load(tmp_path), tmp_path, IDENTITY).passphrase == "on the label"


def test_settings_come_before_the_label(tmp_path: Path) -> None:
    write(
        tmp_path,
        label='passphrase = "on the label"',
        provisioning='[setup]\nname = "Büro"\npassphrase = "my own one"\n'
        'dns_answer = "203.0.113.1"\n[limits]\nlost = 30',
    )
    told = load(tmp_path)
    network = setup_network(told, tmp_path, IDENTITY)
    assert network.ssid == "Büro".encode()
    assert network.passphrase == "my own one"
    assert network.dns_answer == "203.0.113.1"
    assert told.limits.lost == 30.0
    assert told.limits.boot == 45.0


def test_dns_and_sockets_of_the_setup_network_agree_with_its_addresses(tmp_path: Path) -> None:
    network = setup_network(load(tmp_path), tmp_path, IDENTITY)
    addresses = [network.address.partition("/")[0], network.dns_answer]
    units = ROOT / "systemd/units/luna-provisioning.socket"
    listening = re.findall(r"^ListenStream=(.*):80$", units.read_text(), re.M)
    assert listening == addresses
    dns = ROOT / "systemd/networkmanager/dnsmasq-shared.d/luna-setup.conf"
    (answer,) = re.findall(r"^address=/#/(.*)$", dns.read_text(), re.M)
    assert answer in addresses
    # Android calls such a network a broken one, on phones whose maker says so.
    private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
    assert not any(ip_address(answer) in ip_network(each) for each in private)


@pytest.mark.parametrize(
    "text",
    [
        "[setup]\npassphrase = 'short'",
        "[setup]\naddress = 'somewhere'",
        "[setup]\nssid = 'x'",
        "[limits]\nlost = 'long'",
        "[limits]\nwindows = 3",
        "[more]",
        "[",
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"provisioning\.toml"):
        load(write(tmp_path, provisioning=text))


def test_a_label_that_is_wrong_is_said_too(tmp_path: Path) -> None:
    write(tmp_path, label='passphrase = "ü"')
    with pytest.raises(ConfigError, match=r"label\.toml"):
        setup_network(load(tmp_path), tmp_path, IDENTITY)
