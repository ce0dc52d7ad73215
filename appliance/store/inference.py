"""The models that were started by hand, which are started again with the server."""

from __future__ import annotations

from typing import Any

from appliance.domain.inference import Options, Task, Wish
from appliance.store.database import Database

_COLUMNS = (
    "alias, model_repo, file_path, address, port, context_size, gpu_layers, chat_template,"
    " status, error, created, updated"
)


class Tasks:
    """Keeps tasks by their alias."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Task, ...]:
        """Every task, the one that changed longest ago first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM inference ORDER BY updated, alias"
            ).fetchall()
        return tuple(map(_task, rows))

    def keep(self, task: Task) -> None:
        """Keep a task, in place of an earlier one of the same alias."""
        wish, options = task.wish, task.wish.options
        row: tuple[str | float, ...] = (wish.alias, wish.repo, wish.file, wish.address, wish.port)
        row += (options.context, options.gpu_layers, options.template)
        row += (task.state, task.error, task.created, task.updated)
        marks = ", ".join("?" * len(row))
        with self._database.writing() as connection:
            connection.execute(f"REPLACE INTO inference ({_COLUMNS}) VALUES ({marks})", row)

    def forget(self, alias: str) -> None:
        """Keep a task no longer."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM inference WHERE alias = ?", (alias,))


def _task(row: tuple[Any, ...]) -> Task:
    alias, repo, file, address, port, context, layers, template, state, error, made, changed = row
    wish = Wish(alias, repo, file, Options(context, layers, template), address, port)
    return Task(wish, state, made, changed, error)
