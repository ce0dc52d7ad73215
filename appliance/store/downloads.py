"""Downloads that were asked for, and what a hub said of its repositories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class DownloadRow:
    """A download; `plan` is JSON for its owner, times are seconds since the epoch."""

    repo: str
    file: str
    status: str
    plan: str
    error: str
    created: float
    updated: float


class DownloadRows:
    """The table of downloads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[DownloadRow, ...]:
        """Every download, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT repo, file, status, plan, error, created, updated FROM downloads"
                " ORDER BY created, repo, file"
            )
            return tuple(DownloadRow(*row) for row in rows)

    def put(self, row: DownloadRow) -> None:
        """Keep a download, in place of what was known of it."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO downloads"
                " (repo, file, status, plan, error, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?)",
                astuple(row),
            )

    def drop(self, repo: str, file: str) -> None:
        """Forget a download."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM downloads WHERE repo = ? AND file = ?", (repo, file))


class OfferRows:
    """What was said of repositories, as JSON of whoever asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, tuple[str, float]]:
        """Of each repository what was told, and when it was asked."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT repo, told, asked FROM offers")
            return {repo: (told, asked) for repo, told, asked in rows}

    def put(self, repo: str, told: str, asked: float) -> None:
        """Keep what was told of a repository."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO offers VALUES (?, ?, ?)", (repo, told, asked)
            )

    def keep_only(self, repos: Sequence[str]) -> None:
        """Forget all other repositories."""
        with self._database.writing() as connection:
            known = [repo for (repo,) in connection.execute("SELECT repo FROM offers")]
            gone = [(repo,) for repo in known if repo not in repos]
            connection.executemany("DELETE FROM offers WHERE repo = ?", gone)
