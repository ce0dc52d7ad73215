from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from appliance.device_tools import wifi
from appliance.system.netlink import Address, NetlinkUnavailable

WIRELESS = """\
Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0    279        0
"""


def address(interface: str, text: str, *, up: bool = True) -> Address:
    family = 6 if ":" in text else 4
    return Address(interface, text, 24, family, up=up, wireless=interface == "wlan0")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    (tmp_path / "sys/class/net/wlan0/phy80211").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").mkdir()
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/wireless").write_text(WIRELESS)
    return tmp_path


def test_a_connected_board(board: Path) -> None:
    found = [address("wlan0", "192.168.1.20"), address("wlan0", "fd00::7")]
    assert wifi._report(board, found, "wlan0") == (
        "WiFi wlan0 has the address 192.168.1.20 and a good (-56 dBm) signal."
    )


def test_a_network_of_ipv6_alone(board: Path) -> None:
    found = [address("wlan0", "fe80::1"), address("wlan0", "fd00::7")]
    assert "the address fd00::7 and" in wifi._report(board, found, "wlan0")


def test_a_wired_board_whose_radio_is_idle(board: Path) -> None:
    found = [address("eth0", "10.0.0.5"), address("wlan0", "192.168.1.20", up=False)]
    assert wifi._report(board, found, "eth0") == (
        "The WiFi interface wlan0 is not connected. "
        "It reaches the network through eth0 with 10.0.0.5."
    )


def test_a_setup_network_leads_nowhere(board: Path) -> None:
    report = wifi._report(board, [address("wlan0", "10.42.0.1")], None)
    assert report.endswith("signal. It has no way to the internet.")


def test_a_machine_that_is_offline(tmp_path: Path) -> None:
    report = wifi._report(tmp_path, [address("lo", "127.0.0.1")], None)
    assert report == "This device has no WiFi. It has no way to the internet."


@pytest.mark.parametrize(
    ("level", "signal"),
    [
        ("-56.", "good (-56 dBm)"),
        ("-65", "fair (-65 dBm)"),
        ("-88.", "weak (-88 dBm)"),
        ("200.", "good (-56 dBm)"),
        ("0.", None),
        ("x", None),
    ],
)
def test_signals_are_said_in_words(level: str, signal: str | None) -> None:
    assert wifi._signal(f"wlan0: 0000 54. {level} -256", "wlan0") == signal


def test_the_signal_is_that_of_the_interface() -> None:
    assert wifi._signal(WIRELESS, "wlan1") is None
    assert wifi._signal(WIRELESS, "wlan0") is not None


@given(st.text() | st.text("wlan0:-. 123456789\n"))
def test_any_text_has_a_signal_or_none(text: str) -> None:
    signal = wifi._signal(text, "wlan0")
    assert signal is None or signal.endswith("dBm)")


def test_a_kernel_without_wireless_statistics(board: Path) -> None:
    (board / "proc/net/wireless").unlink()
    report = wifi._report(board, [address("wlan0", "192.168.1.20")], "wlan0")
    assert report == "WiFi wlan0 has the address 192.168.1.20."


def test_this_machine_answers() -> None:
    assert wifi.get_wifi_status().endswith(".")


def test_a_process_without_netlink_says_why(mocker: MockerFixture) -> None:
    mocker.patch.object(wifi, "addresses", side_effect=NetlinkUnavailable("Let it use netlink."))
    assert wifi.get_wifi_status() == "Let it use netlink."
