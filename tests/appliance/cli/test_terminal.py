from __future__ import annotations

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.terminal import Paper, can_dim, harmless


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(st.text(st.characters()))
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    left = harmless(text)
    controls = [c for c in left if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert not controls
    assert not [c for c in left if unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRI")]
    left.encode()


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs", "M"))))
def test_ordinary_text_stays(text: str) -> None:
    assert harmless(text) == text


def test_an_escape_sequence_is_disarmed() -> None:
    assert harmless("a\x1b[2Jb\x9bc\r\nd\te") == "a[2Jbc\nd\te"


def test_dimmed_text_has_lines_of_its_own() -> None:
    out = io.StringIO()
    paper = Paper(out, dims=True)
    paper.write("thinking", dim=True)
    paper.write(" on", dim=True)
    paper.write("answer")
    paper.end_line()
    paper.end_line()
    assert out.getvalue() == "\x1b[2mthinking on\x1b[0m\nanswer\n"


def test_without_dimming_there_are_no_escapes() -> None:
    out = io.StringIO()
    paper = Paper(out)
    paper.line("note", dim=True)
    paper.write("answer\n")
    paper.end_line()
    assert out.getvalue() == "note\nanswer\n"


def test_only_a_willing_terminal_is_asked_to_dim() -> None:
    assert can_dim(Tty(), {"TERM": "xterm"})
    assert not can_dim(io.StringIO(), {"TERM": "xterm"})
    assert not can_dim(Tty(), {"TERM": "dumb"})
    assert not can_dim(Tty(), {"TERM": "xterm", "NO_COLOR": "1"})
