"""Responses that are kept, so that a client can go on from them by their ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from appliance.store.database import Database

_COLUMNS = "id, previous, owner, created, input, answer"
# What nobody's key made is everybody's.
_READABLE = "owner IN ('', ?)"


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """One turn: the items that were new in it and the answer, both as JSON.

    `previous` is the id of the turn before, None in the first one; `owner` is whose key it was, ""
    for none; `created` is in seconds since the epoch.
    """

    id: str
    previous: str | None
    owner: str
    created: float
    input: bytes
    answer: bytes


class KeptResponses:
    """Keeps up to `count` responses of `total_bytes` together.

    Beyond that whole conversations go, first the one that was left alone for the longest. Every
    method raises StorageFailed.
    """

    def __init__(self, database: Database, count: int, total_bytes: int) -> None:
        self._database = database
        self._count = count
        self._bytes = total_bytes

    @property
    def any(self) -> bool:
        """Whether responses are kept at all."""
        return self._count > 0

    def keep(self, new: KeptResponse) -> bool:
        """Keep a response; False if there is no room for its conversation, or it was deleted."""
        try:
            with self._database.writing() as connection:
                thread = _thread_of(connection, new)
                size = len(new.input) + len(new.answer)
                connection.execute(
                    f"INSERT INTO responses (thread, bytes, {_COLUMNS})"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (thread, size, *astuple(new)),
                )
                self._make_room(connection, thread)
        except _NoRoom:
            return False
        return True

    def find(self, id: str, owner: str) -> KeptResponse | None:
        """A response that this owner may read."""
        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM responses WHERE id = ? AND {_READABLE}", (id, owner)
            ).fetchone()
        return None if row is None else KeptResponse(*row)

    def turns(self, id: str, owner: str) -> tuple[KeptResponse, ...]:
        """The conversation up to a response, its first turn first.

        Empty if this owner may not read it, or a turn before it was deleted.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                f"WITH RECURSIVE turns AS ("
                f" SELECT * FROM responses WHERE id = ? AND {_READABLE}"
                " UNION ALL"
                " SELECT before.* FROM responses before JOIN turns ON before.id = turns.previous)"
                f" SELECT {_COLUMNS} FROM turns ORDER BY number",
                (id, owner),
            ).fetchall()
        turns = tuple(KeptResponse(*row) for row in rows)
        return turns if turns and turns[0].previous is None else ()

    def page(
        self, owner: str, limit: int, after: str | None, *, oldest_first: bool
    ) -> Sequence[KeptResponse]:
        """Up to `limit` of the responses of an owner, from the one behind `after` on."""
        order, beyond = ("ASC", ">") if oldest_first else ("DESC", "<")
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM responses WHERE owner = ?1 AND (?2 IS NULL"
                f" OR number {beyond} (SELECT number FROM responses WHERE id = ?2))"
                f" ORDER BY number {order} LIMIT ?3",
                (owner, after, limit),
            ).fetchall()
        return [KeptResponse(*row) for row in rows]

    def delete(self, id: str, owner: str) -> bool:
        """Forget a response; whether there was one that this owner may read."""
        with self._database.writing() as connection:
            done = connection.execute(
                f"DELETE FROM responses WHERE id = ? AND {_READABLE}", (id, owner)
            )
        return done.rowcount > 0

    def _make_room(self, connection: sqlite3.Connection, thread: str) -> None:
        """Delete other conversations until all fit; raises _NoRoom where that is not enough."""
        while True:
            count, size = connection.execute(
                "SELECT count(*), total(bytes) FROM responses"
            ).fetchone()
            if count <= self._count and size <= self._bytes:
                return
            left_alone = connection.execute(
                "SELECT thread FROM responses WHERE thread <> ?"
                " GROUP BY thread ORDER BY max(number) LIMIT 1",
                (thread,),
            ).fetchone()
            if left_alone is None:
                raise _NoRoom
            connection.execute("DELETE FROM responses WHERE thread = ?", left_alone)


class _NoRoom(Exception):
    """Undoes the transaction."""


def _thread_of(connection: sqlite3.Connection, new: KeptResponse) -> str:
    if new.previous is None:
        return new.id
    row = connection.execute(
        "SELECT thread FROM responses WHERE id = ?", (new.previous,)
    ).fetchone()
    if row is None:  # deleted while the answer was being written
        raise _NoRoom
    return str(row[0])
