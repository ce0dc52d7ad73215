from __future__ import annotations

from pathlib import Path

import pytest

from appliance.system.reset_mark import FILE, Reset, ask, asked


@pytest.mark.parametrize("models", [False, True])
def test_a_wish_is_kept(tmp_path: Path, models: bool) -> None:
    assert asked(tmp_path) is None
    ask(tmp_path, Reset(models))
    assert asked(tmp_path) == Reset(models)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"models": 1}'])
def test_a_mark_that_cannot_be_read_spares_the_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert asked(tmp_path) == Reset()


def test_no_link_is_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text('{"models": true}')
    (tmp_path / FILE).symlink_to(other)
    assert asked(tmp_path) == Reset()
