from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from appliance.domain.inference import Options, Task, Wish
from appliance.store.database import Database
from appliance.store.inference import Tasks

FULL = Wish("mine", "owner/repo", "a.gguf", Options(4096, 3, "{{ x }}"), "10.0.0.1", 6569)
PLAIN = Wish("plain", "owner/repo", "b.gguf")


def test_tasks_are_kept_as_they_are(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    first = Task(FULL, "error", 1.0, 9.0, "It is too large.")
    second = Task(PLAIN, "inferring", 2.0, 3.0)
    Tasks(database).keep(first)
    Tasks(database).keep(second)
    database.close()
    assert Tasks(database).all() == (second, first)
    Tasks(database).keep(replace(first, state="queued", error=""))
    assert Tasks(database).all()[1].state == "queued"
    Tasks(database).forget("mine")
    Tasks(database).forget("nothing")
    assert Tasks(database).all() == (second,)
    database.close()


def test_what_is_active() -> None:
    active = [
        state
        for state in ("queued", "preparing", "inferring", "complete", "error")
        if Task(PLAIN, state, 0, 0).is_active
    ]
    assert active == ["queued", "preparing", "inferring"]
