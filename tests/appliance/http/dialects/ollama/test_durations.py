from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadRequest
from appliance.http.dialects.ollama.durations import keep_alive


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        (0, 0),
        (1800, 1800),
        (0.5, 0.5),
        (-1, math.inf),
        ("0", 0),
        ("300", 300),
        ("300s", 300),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("+2m", 120),
        ("250ms", 0.25),
        ("3\u00b5s", 3e-6),
        ("3\u03bcs", 3e-6),
        (".5s", 0.5),
        ("-1", math.inf),
        ("-1s", math.inf),
        ("-1m", math.inf),
        (" 5m ", 300),
    ],
)
def test_every_form_that_clients_write(value: float | str | None, seconds: float | None) -> None:
    assert keep_alive(value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("text", ["soon", "5 m", "5x", "m", "--1s", "5m-", "1e3s", "٣s", "9" * 200])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="10m") as caught:
        keep_alive(text)
    assert caught.value.param == "keep_alive"


@given(st.text(max_size=20) | st.from_regex(r"[-+]?([0-9.]+(ns|us|ms|s|m|h)?)*", fullmatch=True))
def test_any_text_gives_seconds_or_is_refused(text: str) -> None:
    try:
        seconds = keep_alive(text)
    except BadRequest:
        return
    assert seconds is None or seconds >= 0
