"""The files of a folder, by plain name: compressed where wanted, sent again only when new."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotFound
from appliance.http.exchange import Reply, Request

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".ts": "application/typescript; charset=utf-8",
}
# Only what this device serves may run or be asked for; style sheets carry small images.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Cache-Control", "no-cache"),  # kept, but asked about: an update shows at once
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Vary", "Accept-Encoding"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    packed: bytes
    tag: str
    kind: str


class Files:
    """Serves the files below `folder` whose suffix is in TYPES; each is read once."""

    def __init__(self, folder: Path) -> None:
        self._paths = {path.name: path for path in folder.rglob("*") if path.suffix in TYPES}
        self._read: dict[str, _File] = {}

    def reply(self, name: str, request: Request) -> Reply:
        """The file, or 304 if the client has it already; raises NotFound."""
        if name not in self._paths:
            raise NotFound(f"There is no file '{name}' here; the page itself is /docs.")
        file = self._read.get(name)
        if file is None:
            file = self._read[name] = _load(self._paths[name])
        headers = (*_HEADERS, ("ETag", file.tag))
        if file.tag in request.headers.get("if-none-match", ""):
            return Reply(b"", 304, file.kind, headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Reply(file.packed, 200, file.kind, (*headers, ("Content-Encoding", "gzip")))
        return Reply(file.content, 200, file.kind, headers)


def _load(path: Path) -> _File:
    content = path.read_bytes()
    # Weak: the compressed form has the same tag.
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _File(content, gzip.compress(content, mtime=0), tag, TYPES[path.suffix])
