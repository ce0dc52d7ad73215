from __future__ import annotations

import io
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.cli.chat import Talk, converse, obey
from appliance.cli.client import Client
from appliance.cli.terminal import Paper
from appliance.errors import LunaError
from tests.helpers import random_model
from tests.helpers.canned import CannedServer, events, http
from tests.helpers.server import ROOT, RunningLuna, clean_environment, tiny_model
from tests.helpers.wire import eventually

CHAT = [sys.executable, "-m", "appliance.cli.main", "chat"]
ANSWER = events(
    b'{"choices":[{"delta":{"reasoning_content":"hm"}}]}',
    b'{"choices":[{"delta":{"content":"a\\u001b[2Jb"}}]}',
    b'{"choices":[{"delta":{},"finish_reason":"length"}]}',
    b"[DONE]",
)


def typed(*lines: str | type[BaseException]) -> Callable[[str], str]:
    """What `input` would be with these lines, and an end of file after them."""
    waiting = iter(lines)

    def read(prompt: str) -> str:
        line = next(waiting, EOFError)
        if isinstance(line, str):
            return line
        raise line

    return read


def test_an_answer_is_shown_without_what_steers_a_terminal_and_remembered() -> None:
    out = io.StringIO()
    with CannedServer(ANSWER) as server:
        talk = Talk(Client(server.url), system="Be brief.", device_tools=True)
        talk.ask("first", Paper(out))
        talk.ask("second", Paper(out))
    note = "[the answer was cut off: it reached its limit of tokens]\n"
    assert out.getvalue() == 2 * f"hm\na[2Jb\n{note}"
    assert [turn["content"] for turn in talk.turns] == ["first", "a\x1b[2Jb", "second", "a\x1b[2Jb"]
    assert b'"luna_tools": true' in server.requests[1]
    assert server.requests[1].count(b'"role"') == 4


def test_a_question_without_an_answer_is_forgotten() -> None:
    with CannedServer(http(b'{"error":{"message":"Too long."}}', "400 Bad Request")) as server:
        talk = Talk(Client(server.url))
        with pytest.raises(LunaError, match="Too long"):
            talk.ask("?", Paper(io.StringIO()))
    assert talk.turns == []


def test_an_answer_that_breaks_off_is_remembered_as_far_as_it_came() -> None:
    with CannedServer(events(b'{"choices":[{"delta":{"content":"half"}}]}')) as server:
        talk = Talk(Client(server.url))
        with pytest.raises(LunaError):
            talk.ask("?", Paper(io.StringIO()))
    assert [turn["content"] for turn in talk.turns] == ["?", "half"]


def test_commands_are_obeyed() -> None:
    out = io.StringIO()
    with CannedServer(http(b'{"data":[{"id":"one"},{"id":"t\\u001bwo"},7]}')) as server:
        talk = Talk(Client(server.url), turns=[{"role": "user", "content": "x"}])
        paper = Paper(out)
        assert obey("/new", talk, paper)
        assert obey("/model  big one ", talk, paper)
        assert obey("/model", talk, paper)
        assert obey("/help", talk, paper)
        assert obey("/nonsense", talk, paper)
        assert not obey("/quit", talk, paper)
    assert talk.turns == []
    assert talk.model == "big one"
    assert "one\ntwo\n" in out.getvalue()
    assert "/model NAME" in out.getvalue()
    assert "no command /nonsense" in out.getvalue()


@pytest.mark.parametrize("end", ["/quit", KeyboardInterrupt, EOFError])
def test_a_conversation_goes_on_after_an_error_until_it_is_left(
    end: str | type[BaseException],
) -> None:
    out = io.StringIO()
    with CannedServer(http(b'{"error":{"message":"Busy."}}', "503 Busy")) as server:
        read = typed("a", "", "/model", "b", end, "never")
        assert converse(Talk(Client(server.url)), Paper(out), read) == 0
        assert len(server.requests) == 3
    assert out.getvalue().count("! Busy.\n") == 3


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    """Serves `brief`, whose answers soon reach the end of its context, and `slow`."""
    folder = tmp_path_factory.mktemp("chat")
    brief = folder / "models/brief"
    brief.mkdir(parents=True)
    shutil.copy(tiny_model(), brief)
    (brief / "luna.toml").write_text("context = 128\n", "utf-8")
    shape = random_model.Shape(layers=8, dim=512, heads=8, feed_forward=1536, context=16384)
    random_model.write(folder / "models/slow.gguf", shape, "f16")
    settings = "[cpu_engine]\ncontext = 8192\nslots = 2\n[models]\ndefault = 'brief'\n"
    with RunningLuna(folder, settings=settings, models=[]) as running:
        yield running


def chat(
    luna: RunningLuna, home: Path, *options: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = [*CHAT, "--url", luna.url, *options]
    environ = clean_environment(home)
    return subprocess.run(
        command, input=stdin, capture_output=True, cwd=ROOT, env=environ, timeout=60, check=False
    )


@pytest.mark.needs("engine")
def test_one_question_is_answered(luna: RunningLuna, tmp_path: Path) -> None:
    done = chat(luna, tmp_path, "--once", "hello", "--system", "Be brief.")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert b"\x1b" not in done.stdout


@pytest.mark.needs("engine")
def test_a_question_comes_through_a_pipe(luna: RunningLuna, tmp_path: Path) -> None:
    done = chat(luna, tmp_path, stdin=b"hello\nthere\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.needs("engine")
def test_no_question_is_told(luna: RunningLuna, tmp_path: Path) -> None:
    done = chat(luna, tmp_path, stdin=b" \n")
    assert done.returncode == 1
    assert done.stderr.startswith(b"luna: There is no question")


class Terminal:
    """`luna chat` on a pseudo-terminal."""

    def __init__(self, luna: RunningLuna, home: Path) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*CHAT, "--url", luna.url, "--model", "slow"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=clean_environment(home, {"TERM": "dumb"}),
            # A test run in the background has Ctrl-C switched off, and so have its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self._seen = b""

    def shows(self, text: bytes) -> bool:
        try:
            while more := os.read(self._master, 65536):
                self._seen += more
        except OSError:
            pass  # nothing new, or the other end was closed
        return text in self._seen

    def answers(self) -> bool:
        """Whether something follows the question's echo."""
        self.shows(b"")
        return bool(self._seen.partition(b"tell me\r\n")[2].strip())

    def waits(self) -> bool:
        """Whether it asks for a line: before that, Ctrl-C stops what it does."""
        self.shows(b"")
        return self._seen.endswith(b"> ")

    def type(self, text: bytes) -> None:
        os.write(self._master, text)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        os.close(self._master)


@pytest.mark.needs("engine")
def test_ctrl_c_stops_the_answer_and_then_leaves(luna: RunningLuna, tmp_path: Path) -> None:
    terminal = Terminal(luna, tmp_path)
    try:
        eventually(lambda: terminal.shows(b"> "), "the prompt")
        terminal.type(b"tell me\n")
        eventually(terminal.answers, "the answer")
        assert luna.get("/health")["slots_processing"] == 1
        terminal.process.send_signal(signal.SIGINT)
        eventually(lambda: terminal.shows(b"[stopped]\r\n"), "the stop")
        eventually(lambda: luna.get("/health")["slots_processing"] == 0, "the free slot")
        terminal.type(b"/help\n")
        eventually(lambda: terminal.shows(b"/quit"), "the help")
        eventually(terminal.waits, "the prompt")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(10) == 0
    finally:
        terminal.close()
