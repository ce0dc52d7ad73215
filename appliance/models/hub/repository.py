"""What a hub tells of a repository, as values; parsing what it said is pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from appliance.errors import HubFailed


class Hasher(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None:
        """Take more of the content in."""

    def hexdigest(self) -> str:
        """The digest of all of it."""


class RemoteFile(Struct, frozen=True):
    """A file of a repository: its path there, bytes, and one of the two checksums.

    `sha256` is that of the content, for files in large file storage; `git` is the id of a blob.
    """

    path: str
    size: int
    sha256: str = ""
    git: str = ""

    def hasher(self) -> Hasher:
        """What to feed the content to; `matches` judges the result."""
        if self.sha256 or not self.git:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)

    def matches(self, digest: str) -> bool:
        """Whether content of that digest is this file; any is where the hub told no checksum."""
        known = self.sha256 or self.git
        return not known or digest == known


class Repository(Struct, frozen=True):
    """A repository at one commit; times are RFC 3339, as the hub writes them."""

    name: str
    commit: str
    files: tuple[RemoteFile, ...] = ()
    likes: int = 0
    downloads: int = 0
    created: str = ""
    updated: str = ""
    context: int = 0


class _Gguf(Struct, frozen=True):
    context_length: int | None = None


class _Info(Struct, frozen=True):
    sha: str
    likes: int | None = None
    downloads: int | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    gguf: _Gguf | None = None


class _Lfs(Struct, frozen=True):
    oid: str
    size: int


class _Node(Struct, frozen=True):
    path: str
    type: str = "file"
    size: int = 0
    oid: str = ""
    lfs: _Lfs | None = None


def parse_repository(name: str, info: bytes, pages: Iterable[bytes]) -> Repository:
    """The answers of `/api/models/…/revision/…` and `…/tree/…` as a value; raises HubFailed."""
    told = _decode(info, _Info)
    nodes = (node for page in pages for node in _decode(page, list[_Node]))
    return Repository(
        name=name,
        commit=told.sha,
        files=tuple(_file(node) for node in nodes if node.type == "file"),
        likes=told.likes or 0,
        downloads=told.downloads or 0,
        created=told.createdAt or "",
        updated=told.lastModified or "",
        context=(told.gguf and told.gguf.context_length) or 0,
    )


def _file(node: _Node) -> RemoteFile:
    if node.lfs is not None:
        return RemoteFile(node.path, node.lfs.size, sha256=node.lfs.oid.removeprefix("sha256:"))
    return RemoteFile(node.path, node.size, git=node.oid)


def _decode(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise HubFailed("The hub's answer makes no sense; check its address.") from error
