"""Clients that go while nothing is written to them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from appliance.http.hangup import HangupWatch
from tests.helpers.wire import eventually


@pytest.fixture
def watch() -> Iterator[HangupWatch]:
    watch = HangupWatch()
    watch.start()
    yield watch
    watch.stop()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end and the client's of one TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 5)
        ours, _ = listener.accept()
    with ours, client:
        yield ours, client


Pair = tuple[socket.socket, socket.socket]


def test_a_close_is_noticed(watch: HangupWatch, pair: Pair) -> None:
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        pair[1].close()
        assert gone.wait(5)


def test_a_reset_is_noticed(watch: HangupWatch, pair: Pair) -> None:
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        pair[0].sendall(b"unread")
        pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        pair[1].close()
        assert gone.wait(5)


def test_a_half_close_counts_as_gone(watch: HangupWatch, pair: Pair) -> None:
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        pair[1].shutdown(socket.SHUT_WR)
        assert gone.wait(5)


def test_a_client_that_left_before_is_noticed(watch: HangupWatch, pair: Pair) -> None:
    pair[1].close()
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        assert gone.wait(5)


def test_a_close_behind_unread_bytes_is_noticed(watch: HangupWatch, pair: Pair) -> None:
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        pair[1].sendall(b"GET / HTTP/1.1\r\n")
        pair[1].close()
        assert gone.wait(5)


def test_it_calls_once(watch: HangupWatch, pair: Pair) -> None:
    calls: list[int] = []
    other = threading.Event()
    with watch.on_hangup(pair[0], lambda: calls.append(1)):
        pair[1].close()
        eventually(lambda: calls)
        ours, theirs = socket.socketpair()
        with ours, theirs, watch.on_hangup(ours, other.set):
            theirs.close()
            assert other.wait(5)
    assert calls == [1]


def test_bytes_are_neither_a_hangup_nor_work(watch: HangupWatch, pair: Pair) -> None:
    calls: list[int] = []
    with watch.on_hangup(pair[0], lambda: calls.append(1)):
        before = time.process_time()
        pair[1].sendall(b"pipelined")
        threading.Event().wait(0.5)
        assert time.process_time() - before < 0.25
    assert not calls
    assert pair[0].recv(100) == b"pipelined"


def test_nothing_is_called_after_the_block(watch: HangupWatch, pair: Pair) -> None:
    calls: list[int] = []
    with watch.on_hangup(pair[0], lambda: calls.append(1)):
        pass
    pair[1].close()
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        assert gone.wait(5)
    assert not calls


def test_leaving_waits_for_a_running_callback(watch: HangupWatch, pair: Pair) -> None:
    started, finish, finished = threading.Event(), threading.Event(), threading.Event()

    def callback() -> None:
        started.set()
        assert finish.wait(5)
        finished.set()

    with watch.on_hangup(pair[0], callback):
        pair[1].close()
        assert started.wait(5)
        threading.Timer(0.1, finish.set).start()
    assert finished.is_set()


def test_a_reused_descriptor_is_not_taken_for_gone(watch: HangupWatch) -> None:
    for _ in range(200):
        ours, theirs = socket.socketpair()
        with watch.on_hangup(ours, lambda: None):
            theirs.close()
        ours.close()
        gone = threading.Event()
        ours, theirs = socket.socketpair()
        with ours, theirs, watch.on_hangup(ours, gone.set):
            pass
        assert not gone.is_set()


def test_an_event_of_a_descriptors_former_owner_is_ignored(watch: HangupWatch, pair: Pair) -> None:
    gone = threading.Event()
    with watch.on_hangup(pair[0], gone.set):
        fd = pair[0].fileno()
        watch._announce(fd, watch._watches[fd])
        assert not gone.is_set()
        pair[1].close()
        assert gone.wait(5)


def test_a_failing_callback_harms_nobody_else(
    watch: HangupWatch, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    with watch.on_hangup(pair[0], lambda: 1 / 0):
        pair[1].close()
        eventually(lambda: caplog.records)
    ours, theirs = socket.socketpair()
    gone = threading.Event()
    with ours, theirs, watch.on_hangup(ours, gone.set):
        theirs.close()
        assert gone.wait(5)
    assert "ZeroDivisionError" in caplog.text


def test_two_watches_on_one_socket_are_refused(watch: HangupWatch, pair: Pair) -> None:
    with (
        watch.on_hangup(pair[0], lambda: None),
        pytest.raises(FileExistsError),
        watch.on_hangup(pair[0], lambda: None),
    ):
        pass


def test_a_socket_closed_inside_is_let_go(watch: HangupWatch, pair: Pair) -> None:
    with watch.on_hangup(pair[0], lambda: None):
        pair[0].close()


def test_a_block_may_outlive_the_watch(pair: Pair) -> None:
    watch = HangupWatch()
    watch.start()
    with watch.on_hangup(pair[0], lambda: None):
        watch.stop()


def test_it_keeps_no_descriptor(pair: Pair) -> None:
    def cycle() -> int:
        watch = HangupWatch()
        watch.start()
        with watch.on_hangup(pair[0], lambda: None):
            pass
        watch.stop()
        del watch
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    assert cycle() == cycle()
