from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engines.llamacpp.gbnf_pattern import plain


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"^a$", r"^a$"),
        (r"^\d{3}-\d{4}$", r"^[0-9]{3}-[0-9]{4}$"),
        (r"^[\w.]+@[\w-]+$", r"^[A-Za-z0-9_.]+@[A-Za-z0-9_-]+$"),
        (r"^(?:a|b)\S$", r"^(a|b)[^ \t\n\r]$"),
        (r"^https?:\/\/", r"^(https?://).*$"),
        (r"a|b", r"^.*(a|b).*$"),
        (r"\$$", r"^.*(\$)$"),
        (r"^\.[^^$]$", r"^\.[^^$]$"),
        (r"^a|b$", r"^a|b$"),
        (r"^(a|^b)", r"^(a|^b)"),
        (r"^[(?:\]]$", r"^[(?:\]]$"),
        (r"^[\D]$", r"^[\D]$"),
        ("", r"^.*().*$"),
    ],
)
def test_in_plainer_words(pattern: str, told: str) -> None:
    assert plain(pattern) == told


_PARTS = st.sampled_from(
    ["a", "-", ".", r"\d", r"\w+", r"\s", r"\S", r"\/", r"\-", r"[\d-]", "[^a]", "(?:a|1)", "{2}",
     "$", r"\.", "^", "|", r"\\"]
)  # fmt: skip
_TEXTS = st.text("a1-/. \\^$", max_size=6)


@given(st.lists(_PARTS, max_size=5).map("".join), _TEXTS)
def test_it_admits_nothing_else(pattern: str, text: str) -> None:
    try:
        wanted = re.compile(pattern)
    except re.error:
        return
    if re.fullmatch(plain(pattern), text):
        assert wanted.search(text)
