import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from appliance.system.responders import other_responders, parse_sockets

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref
  120: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   108        0 21001 2
  121: 0100007F:14EA 00000000:0000 07 00000000:00000000 00:00000000 00000000   108        0 21002 2
  122: 0100007F:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 21003 2
"""


def test_sockets_are_found_by_their_port() -> None:
    assert parse_sockets(TABLE, 5353) == [21001, 21003]
    assert parse_sockets(TABLE, 53) == []


def test_our_own_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/udp").write_text(TABLE)
    assert other_responders(tmp_path) == 2
    (tmp_path / "self/fd").mkdir(parents=True)
    (tmp_path / "self/fd/3").symlink_to("socket:[21001]")
    (tmp_path / "self/fd/4").symlink_to("pipe:[21003]")
    assert other_responders(tmp_path) == 1


def test_a_socket_of_this_process_is_known() -> None:
    before = other_responders()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own.bind(("127.0.0.1", 5353))
        assert other_responders() == before


def test_a_machine_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert other_responders(tmp_path) == 0


@given(st.text())
def test_no_table_breaks_it(table: str) -> None:
    parse_sockets(table, 5353)
