"""The plugin that fails modules which leave threads or sockets open, run on small suites."""

import socket
import threading

import pytest

from tests.helpers import leaks


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p tests.helpers.leaks")
    monkeypatch.setattr(leaks, "PATIENCE_S", 0.1)
    return pytester


def test_a_leaked_socket_fails_its_module(suite: pytest.Pytester) -> None:
    suite.makepyfile("import socket\nKEPT = []\ndef test(): KEPT.append(socket.socket())")
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*left open, close or join it*socket:*"])


def test_a_leaked_thread_fails_its_module(suite: pytest.Pytester) -> None:
    release = threading.Event()
    threading.current_thread().__dict__["release"] = release
    suite.makepyfile(
        "import threading\n"
        "def test():\n"
        "    wait = threading.main_thread().__dict__['release'].wait\n"
        "    threading.Thread(target=wait, name='straggler').start()\n"
    )
    try:
        result = suite.runpytest_inprocess()
    finally:
        release.set()
        del threading.current_thread().__dict__["release"]
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*left open, close or join it*'straggler'*"])


def test_what_a_session_fixture_holds_may_stay(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import socket, pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def pair():\n"
        "    one, two = socket.socketpair()\n"
        "    with one, two:\n"
        "        yield one\n"
        "def test_before(): pass\n"
        "def test_uses(pair): assert pair.fileno() > 0\n"
    )
    suite.runpytest_inprocess().assert_outcomes(passed=2)


def test_what_closes_soon_is_no_leak() -> None:
    before = leaks.held()
    with socket.socket() as opened:
        assert leaks.held() > before
        closing = threading.Timer(0.1, opened.close)
        closing.start()
        assert leaks.wait_for_none(before, 5) == []
        closing.join()
