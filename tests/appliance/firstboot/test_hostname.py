from __future__ import annotations

import pytest

from appliance.firstboot.hostname import is_unchosen


@pytest.mark.parametrize(
    ("name", "unchosen"),
    [("localhost", True), ("", True), ("Debian", True), ("luna-cafe", False), ("kitchen", False)],
)
def test_a_chosen_name_is_known(name: str, unchosen: bool) -> None:
    assert is_unchosen(name) is unchosen
