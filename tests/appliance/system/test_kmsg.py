from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ReadingUnavailable
from appliance.system.kmsg import KernelLine, KernelLog, parse_record

RECORDS = """6,339,5140900,-;NET: Registered PF_VSOCK protocol family
 SUBSYSTEM=net
 DEVICE=+net:lo
4,340,9000000,-,caller=T1;RKNPU: soft reset, num: 1
"""


@pytest.fixture
def kmsg(tmp_path: Path) -> Path:
    path = tmp_path / "dev/kmsg"
    path.parent.mkdir()
    path.write_text(RECORDS)
    return path


def test_first_what_it_remembers_then_what_is_new(kmsg: Path, tmp_path: Path) -> None:
    with KernelLog(tmp_path) as log:
        assert log.read() == (
            KernelLine(5.1409, "NET: Registered PF_VSOCK protocol family"),
            KernelLine(9.0, "RKNPU: soft reset, num: 1"),
        )
        assert log.read() == ()
        with kmsg.open("a") as file:
            file.write("4,341,9500000,-;half of a")
        assert log.read() == ()
        with kmsg.open("a") as file:
            file.write(" record\n")
        assert log.read() == (KernelLine(9.5, "half of a record"),)


def test_nothing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    os.mkfifo(tmp_path / "dev/kmsg")
    with KernelLog(tmp_path) as log:
        writer = os.open(tmp_path / "dev/kmsg", os.O_WRONLY)
        try:
            assert log.read() == ()
            os.write(writer, RECORDS.encode())
            assert len(log.read()) == 2
        finally:
            os.close(writer)


def test_a_log_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReadingUnavailable, match="CAP_SYSLOG"):
        KernelLog(tmp_path)


def test_records_that_were_overtaken_are_skipped(
    kmsg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bytes | OSError] = [
        BrokenPipeError(32, "Broken pipe"),
        b"6,9,1000000,-;later\n",
        BlockingIOError(11, "Try again"),
    ]

    def read(descriptor: int, size: int) -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    with KernelLog(tmp_path) as log:
        monkeypatch.setattr("appliance.system.kmsg.os.read", read)
        assert log.read() == (KernelLine(1.0, "later"),)


@pytest.mark.parametrize("line", ["", " KEY=value;x", "6,1;no time", "6,1,x,-;y", "6,1,-5,-;y"])
def test_what_is_no_record(line: str) -> None:
    assert parse_record(line) is None


@given(st.integers(0, 7), st.integers(0, 10**12), st.text())
def test_every_record_is_read(level: int, microseconds: int, text: str) -> None:
    line = parse_record(f"{level},1,{microseconds},-;{text}")
    assert line == KernelLine(microseconds / 1e6, text)


@given(st.text())
def test_any_line_is_a_record_or_none(line: str) -> None:
    assert parse_record(line) is None or ";" in line
