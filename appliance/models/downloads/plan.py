"""What has to be fetched for one model, fixed when it is asked for; JSON carries it on."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec
from msgspec import Struct

from appliance.errors import HubFailed
from appliance.models.hub.offers import Offer
from appliance.models.hub.repository import RemoteFile, Repository

_GOOD_PATH = re.compile(r"(?:1_Pooling/)?[A-Za-z0-9][A-Za-z0-9 ._+@=()-]{0,200}", re.ASCII)
_BAD_IN_ID = re.compile(r"[^A-Za-z0-9._+-]+", re.ASCII)


class Piece(Struct, frozen=True):
    """One file, and its path in the model's own folder."""

    path: str
    remote: RemoteFile


class Plan(Struct, frozen=True):
    """The files of one model at one commit; `file` names it in its repository."""

    repo: str
    file: str
    commit: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(piece.remote.size for piece in self.pieces)

    @property
    def id(self) -> str:
        """A name for the model: that of its file, or of its repository for `model.gguf`."""
        stem = re.sub(r"-\d{5}-of-\d{5}$", "", PurePosixPath(self.file).stem)
        if stem.lower() in ("model", "ggml-model"):
            stem = self.repo.partition("/")[2]
        return _BAD_IN_ID.sub("-", stem).strip("-.")[:120] or "model"


def make_plan(repository: Repository, offer: Offer) -> Plan:
    """The plan for one of the repository's models; raises HubFailed for names that are no good."""
    pieces = tuple(Piece(path, remote) for path, remote in offer.files)
    for piece in pieces:
        if not _GOOD_PATH.fullmatch(piece.path) or not piece.remote.path.isprintable():
            raise HubFailed(f"The hub names a file '{piece.path}', which cannot be kept here.")
    return Plan(repository.name, offer.file, repository.commit, pieces)


def encode(plan: Plan) -> str:
    """The plan as JSON."""
    return msgspec.json.encode(plan).decode()


def decode(text: str) -> Plan:
    """The plan that `encode` wrote; raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Plan)
