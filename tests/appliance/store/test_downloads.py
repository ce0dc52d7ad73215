from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from appliance.store.database import Database
from appliance.store.downloads import DownloadRow, DownloadRows, OfferRows

ROW = DownloadRow("a/b", "c.gguf", "queued", "{}", "", 1.0, 2.0)


def test_downloads_are_kept_replaced_and_dropped(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    rows = DownloadRows(database)
    earlier = replace(ROW, file="d.gguf", created=0.5)
    rows.put(ROW)
    rows.put(earlier)
    rows.put(replace(ROW, status="error", error="why"))
    assert rows.all() == (earlier, replace(ROW, status="error", error="why"))
    rows.drop("a/b", "d.gguf")
    rows.drop("a/b", "none")
    assert [row.file for row in rows.all()] == ["c.gguf"]
    database.close()


def test_what_a_hub_said_is_kept_for_the_named_repositories(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    rows = OfferRows(database)
    rows.put("a/b", "1", 1.0)
    rows.put("a/b", "2", 2.0)
    rows.put("c/d", "3", 3.0)
    assert rows.all() == {"a/b": ("2", 2.0), "c/d": ("3", 3.0)}
    rows.keep_only(["c/d", "e/f"])
    assert list(rows.all()) == ["c/d"]
    database.close()
