from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from appliance.system.unix_http import UnixConnection


def test_it_speaks_http_to_a_socket_in_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    heard: list[bytes] = []

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            heard.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        connection = UnixConnection(str(path), timeout=10.0)
        connection.request("GET", "/x")
        assert connection.getresponse().read() == b"ok"
        connection.close()
        thread.join()
    assert heard[0].startswith(b"GET /x HTTP/1.1\r\nHost: localhost\r\n")


def test_nobody_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    connection = UnixConnection(str(tmp_path / "none"), timeout=1.0)
    with pytest.raises(FileNotFoundError):
        connection.request("GET", "/")
