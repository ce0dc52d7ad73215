from __future__ import annotations

from pathlib import Path

import pytest

from appliance.system import first_key
from appliance.system.first_key import FirstKey

KEY = FirstKey("owner", "ab" * 32)


def test_it_is_handed_over_until_it_is_taken(tmp_path: Path) -> None:
    assert first_key.handed(tmp_path) is None
    first_key.hand_over(tmp_path, KEY)
    assert first_key.handed(tmp_path) == KEY
    assert KEY.digest_bytes == b"\xab" * 32
    first_key.taken(tmp_path)
    first_key.taken(tmp_path)
    assert first_key.handed(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b'{"name": "x", "digest": "ab"}', b'{"name": "", "digest": "zz"}'],
)
def test_what_is_no_key_is_not_taken(tmp_path: Path, content: bytes) -> None:
    first_key.hand_over(tmp_path, KEY)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert first_key.handed(tmp_path) is None


def test_it_is_shown_until_it_was_seen(tmp_path: Path) -> None:
    assert first_key.show(tmp_path) == ""
    file = tmp_path / first_key.SHOWN
    file.parent.mkdir(parents=True)
    file.write_text("luna_secret\n")
    assert first_key.show(tmp_path) == "luna_secret"
    first_key.seen(tmp_path)
    assert first_key.show(tmp_path) == ""
    file.write_bytes(b"\xff")
    assert first_key.show(tmp_path) == ""
