from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from tests.image import record


def test_what_was_noted_is_known_again(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    assert record.read(file) == {}
    record.write({"boot_s": 60}, file, datetime(2026, 11, 21, tzinfo=UTC))
    noted = record.read(file)
    assert noted == {"inputs": record.key(), "passed": "2026-11-21", "figures": {"boot_s": 60}}
    for text in ("", "[]", "{"):
        file.write_text(text, "utf-8")
        assert record.read(file) == {}


def test_every_input_is_there_and_counts(tmp_path: Path) -> None:
    assert [name for name in record.INPUTS if not (record.ROOT / name).exists()] == []
    for name in record.INPUTS:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    before = record.key(tmp_path)
    (tmp_path / record.INPUTS[-1]).write_text("changed", "utf-8")
    assert record.key(tmp_path) != before


def test_the_record_of_the_tree_can_be_read() -> None:
    if record.FILE.exists():
        assert json.loads(record.FILE.read_text("utf-8")).keys() == {"inputs", "passed", "figures"}
