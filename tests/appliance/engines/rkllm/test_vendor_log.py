"""The vendor's lines become sentences, and the log is cut into runs."""

from __future__ import annotations

import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.rkllm.vendor_log import Gravity, VendorLog, explain, mark, read

LINES = [
    ("W rkllm: Warning: Your rknpu driver version is too low, please upgrade", "driver is too old"),
    (
        "I rkllm: target_platform: RK3576, x\nE rkllm: The model target_platform does not match!",
        "converted for RK3576",
    ),
    ("E rkllm: The model target_platform does not match!", "converted for another board"),
    (
        "E rkllm: max_context[16384] must be less than the model's max_context_limit[4096]",
        "Context 16384 exceeds the model's 4096: set context = 4096",
    ),
    ("E rkllm: The number of enabled CPUs must be greater than or equal", "npu_engine.cpus"),
    ("E RKNN: failed to malloc npu memory, size: 1, flags: 0x2", "not enough memory"),
    ("E RKNN: failed to allocate handle, ret: -1, errno: 14, errstr: x", "not enough memory"),
    ("E RKNN: failed to allocate handle, ret: -1, errno: 24, errstr: x", "LimitNOFILE"),
    ("E rkllm: invalid rknn llm model magic", "no model for this runtime"),
    ("E rkllm: model version too old", "old rkllm-toolkit"),
    ("E RKNN: failed to open rknpu module, need to insmod rknpu dirver!", "groups of /dev/dri"),
    ("E rkllm: matmul(w8a8) run failed", "does not compute"),
    ("E RKNN: failed to submit!, op id: 1, flags: 0x5", "takes no work"),
    ("E rkllm: prompt gather than max context", "does not fit"),
    ("luna: The model file x is not there.", "The model file x is not there."),
    ("launch: /x cannot be run (No such file)", "cannot be started: /x cannot be run"),
]


@pytest.mark.parametrize(("line", "says"), LINES)
def test_a_known_line_is_a_sentence_with_a_remedy(line: str, says: str) -> None:
    reason = read(f"I rkllm: hello\n{line}\nand more")
    assert reason is not None
    assert says in reason.sentence
    assert says in explain(line, 1)


def test_the_vendors_line_says_more_than_our_own() -> None:
    assert "LimitNOFILE" in explain("E RKNN: errno: 24\nluna: It could not be loaded.", 70)


@pytest.mark.parametrize(
    ("line", "gravity"),
    [
        ("E rkllm: matmul(w4a16) run failed", Gravity.FATAL),
        ("E RKNN: failed to submit!", Gravity.FATAL),
        ("E rkllm: prompt gather than max context", Gravity.CONTEXT),
        ("E rkllm: invalid rkllm model!", Gravity.NOTE),
    ],
)
def test_what_follows_from_a_line(line: str, gravity: Gravity) -> None:
    reason = read(line)
    assert reason is not None
    assert reason.gravity is gravity


@given(st.text(max_size=200))
def test_any_other_text_is_no_reason_and_no_trouble(text: str) -> None:
    assert explain(text, 3)
    log = VendorLog()
    for line in text.splitlines():
        log.hear(line)


def test_a_death_without_a_known_line() -> None:
    assert "crashed (signal 11). It said: E rkllm: odd" in explain("E rkllm: odd", -signal.SIGSEGV)
    assert "memory ran out" in explain("", -signal.SIGKILL)
    assert explain("hello", 3) == "The NPU engine ended with status 3."


def lines_of(number: int) -> list[str]:
    return mark(number).decode().splitlines()


def test_lines_belong_to_the_mark_behind_them() -> None:
    log = VendorLog()
    assert log.marked == -1
    for line in ["loading", *lines_of(0), "one", "more", *lines_of(1), "next"]:
        log.hear(line)
    assert log.marked == 1
    assert log.until(1, 0).split() == ["one", "more"]
    assert log.until(0, 0) == ""
    assert log.until(2, 0.01) == ""


def test_who_waits_for_a_mark_is_woken() -> None:
    log = VendorLog()
    found: list[str] = []
    waiter = threading.Thread(target=lambda: found.append(log.until(7, 30)))
    waiter.start()
    log.hear("E rkllm: odd")
    for line in lines_of(7):
        log.hear(line)
    waiter.join(10)
    assert [text.strip() for text in found] == ["E rkllm: odd"]


def test_a_fatal_line_stays() -> None:
    log = VendorLog()
    log.hear("E rkllm: matmul(w8a8) run failed")
    log.hear("fine")
    assert log.fatal is not None
    assert "does not compute" in log.fatal.sentence
