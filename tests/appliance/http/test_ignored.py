from __future__ import annotations

from appliance.http.ignored import ignored_header


def test_names_are_told_and_odd_ones_are_not() -> None:
    assert ignored_header(["user", "options.num_ctx"]) == (
        ("x-luna-ignored", "user, options.num_ctx"),
    )
    assert ignored_header(["a\r\nSet-Cookie: b", "é", ""]) == ()
    assert ignored_header([]) == ()


def test_the_header_does_not_grow_without_bounds() -> None:
    ((_, told),) = ignored_header(["x" * 50] * 100)
    assert len(told) == 1000
