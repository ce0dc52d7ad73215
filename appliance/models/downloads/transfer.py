"""One file from the hub onto the disk: resumed where it was cut, verified before it counts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from appliance.domain.cancel import CancelToken
from appliance.errors import DiskFull, HubFailed, HubUnreachable
from appliance.models.downloads.area import disk_errors
from appliance.models.hub.hub import Hub
from appliance.models.hub.repository import Hasher, RemoteFile
from appliance.models.hub.web import Answer

# The kernel must not collect gigabytes to write, while answers wait for the disk, nor push the
# loaded model out of the memory to keep what nobody reads.
_SYNC_BYTES = 64 * 2**20
_READ_BYTES = 2**20
_RANGE = re.compile(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19})", re.ASCII)
_STRONG = re.compile(r'"[\x21\x23-\x7e]{1,400}"')


class WrongContent(HubFailed):
    """All bytes came, and they are not the file; they are deleted.

    `resumed` is whether they came in turns, so that another try may help.
    """

    def __init__(self, message: str, *, resumed: bool) -> None:
        super().__init__(message)
        self.resumed = resumed


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a repository at a commit."""

    hub: Hub
    repo: str
    commit: str
    file: RemoteFile


class Transfer:
    """Fetches a file into `part`, where some of it may be.

    `note` is told how many bytes are there, `room` asked now and then whether there may be more.
    """

    def __init__(
        self,
        source: Source,
        part: Path,
        cancel: CancelToken,
        note: Callable[[int], None],
        room: Callable[[], bool],
    ) -> None:
        self._source = source
        self._wanted = source.file
        self._part = part
        self._etag = part.with_suffix(".etag")
        self._cancel = cancel
        self._note = note
        self._room = room
        self._reached = 0
        self._synced = 0
        self._hasher: Hasher = source.file.hasher()

    def run(self) -> None:
        """Have the whole file on the disk, verified.

        Raises HubUnreachable for a cut, after which it can go on, WrongContent, other LunaErrors.
        """
        with disk_errors(self._part), self._part.open("ab+") as file:
            self._take_up(file)
            start = self._reached
            if start < self._wanted.size:
                self._receive(file)
            file.flush()
            os.fsync(file.fileno())
        if self._reached < self._wanted.size:
            raise HubUnreachable(
                f"The connection was cut after {self._reached} of {self._wanted.size} bytes."
            )
        if not self._wanted.matches(self._hasher.hexdigest()):
            self._part.unlink()
            raise WrongContent(
                f"What came is not '{self._wanted.path}': its checksum is not the hub's.",
                resumed=start > 0,
            )

    def _take_up(self, file: BinaryIO) -> None:
        """Hash what is there; what cannot be a part of the file is thrown away."""
        size = file.seek(0, os.SEEK_END)
        if size > self._wanted.size:
            self._begin_anew(file)
            return
        file.seek(0)
        while self._reached < size:
            self._cancel.check()
            data = file.read(min(size - self._reached, _READ_BYTES))
            self._reached += len(data)
            self._hasher.update(data)
        self._note(self._reached)

    def _begin_anew(self, file: BinaryIO) -> None:
        with disk_errors(self._part):
            file.truncate(0)
        self._reached, self._synced, self._hasher = 0, 0, self._wanted.hasher()
        self._note(0)

    def _receive(self, file: BinaryIO) -> None:
        source, path = self._source, self._wanted.path
        told = self._etag.read_text("utf-8", "replace") if self._etag.exists() else ""
        known = told if _STRONG.fullmatch(told) else ""
        start = self._reached
        with source.hub.open(
            source.repo, source.commit, path, self._cancel, start, known
        ) as answer:
            source.hub.refuse(answer, f"{source.repo}/{path}")
            if not self._continues(answer):
                self._begin_anew(file)
                if answer.status != 200:
                    raise HubUnreachable("The hub cannot go on where the last connection was cut.")
            if self._reached == 0:
                self._remember(answer.headers.get("etag", ""))
            for piece in answer.pieces():
                self._cancel.check()
                self._write(file, piece)

    def _continues(self, answer: Answer) -> bool:
        """Whether the body goes on where the file ends (RFC 9110, 14.4)."""
        if answer.status == 200:
            return self._reached == 0
        told = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        here = (str(self._reached), str(self._wanted.size))
        return answer.status == 206 and told is not None and told.groups() == here

    def _remember(self, etag: str) -> None:
        """Keep the version for If-Range, which takes strong ones only (RFC 9110, 13.1.5)."""
        with disk_errors(self._etag):
            self._etag.write_text(etag if _STRONG.fullmatch(etag) else "", "utf-8")

    def _write(self, file: BinaryIO, piece: bytes) -> None:
        """Errors of the disk are translated here: those of the connection around it are others."""
        if self._reached + len(piece) > self._wanted.size:
            raise HubFailed(f"'{self._wanted.path}' is longer than the hub had said; ask again.")
        with disk_errors(self._part):
            file.write(piece)
            file.flush()  # what is told to be here outlives this process
            self._reached += len(piece)
            self._hasher.update(piece)
            if self._reached - self._synced >= _SYNC_BYTES:
                self._sync(file)
        self._note(self._reached)

    def _sync(self, file: BinaryIO) -> None:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, self._reached, os.POSIX_FADV_DONTNEED)
        self._synced = self._reached
        if not self._room():
            raise DiskFull("The disk is nearly full: delete a model, then try again.")
