"""A model hub on loopback that speaks Hugging Face's API, and does wrong what it is told to.

with FakeHub({"owner/repo": {"tiny.gguf": b"…"}}) as hub:
    hub.faults.append(Fault(cut=1000))  # the next file is cut after 1000 bytes
    Hub(hub.url).look("owner/repo", CancelToken())
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request for a file's content, in place of a good answer.

    `cut` ends the connection after so many bytes; `status` is answered with `headers`; `ranges`
    False ignores Range; `hold` waits for the event after `cut` bytes, and then goes on.
    """

    cut: int | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    hold: threading.Event | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came; names of fields in lower case."""

    path: str
    headers: dict[str, str]


class FakeHub:
    """Serves repositories of files; contents are redirected to another host name of itself."""

    def __init__(self, repos: dict[str, Files]) -> None:
        self.repos = repos
        self.faults: deque[Fault] = deque()
        self.asked: list[Asked] = []
        self.secret = ""  # a token that everybody has to send
        self.ranges = True
        self.etags = True
        self.page = 1000  # files on a page of the tree
        self.rate = 0  # bytes a second that a file comes with; 0 as fast as it can
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def contents(self) -> list[Asked]:
        """The requests for files' contents, those after the redirect."""
        return [each for each in self.asked if each.path.startswith("/cdn/")]

    def commit(self, repo: str) -> str:
        """What names the state of the repository."""
        digests = [hashlib.sha256(data).hexdigest() for data in self.repos[repo].values()]
        return hashlib.sha1("".join(digests).encode()).hexdigest()

    def close(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are no failure."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    owner: FakeHub
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.asked.append(Asked(self.path, headers))
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
        secret = self.owner.secret
        if secret and parts[0] != "cdn" and headers.get("authorization") != f"Bearer {secret}":
            return self._send(401, b"{}")
        if parts[:2] == ["api", "models"]:
            return self._api("/".join(parts[2:4]), parts[4], parts[-1])
        if parts[0] == "cdn":
            return self._content(parts[1:])
        if len(parts) > 4 and parts[2] == "resolve":
            place = f"http://localhost:{self.owner.port}/cdn{urlsplit(self.path).path}"
            return self._send(302, b"", {"Location": place, "X-Repo-Commit": parts[3]})
        return self._send(404, b"{}")

    def _api(self, repo: str, what: str, revision: str) -> None:
        files = self.owner.repos.get(repo)
        if files is None or revision not in ("main", self.owner.commit(repo)):
            return self._send(404, b'{"error":"Repository not found"}')
        if what == "revision":
            info = {"id": repo, "sha": self.owner.commit(repo), "likes": 7, "downloads": 99}
            info |= {"createdAt": "2025-01-02T03:04:05.000Z", "lastModified": None, "gguf": None}
            return self._send(200, json.dumps(info).encode())
        first = int((urlsplit(self.path).query + "&cursor=0").split("cursor=")[1].split("&")[0])
        nodes = [_node(path, data) for path, data in sorted(files.items())]
        page = nodes[first : first + self.owner.page]
        headers = {}
        if first + self.owner.page < len(nodes):
            more = f"{self.owner.url}/api/models/{repo}/tree/{revision}?recursive=true&cursor="
            headers["Link"] = f'<{more}{first + self.owner.page}>; rel="next"'
        return self._send(200, json.dumps(page).encode(), headers)

    def _content(self, parts: list[str]) -> None:
        repo, path = "/".join(parts[:2]), "/".join(parts[4:])
        data = self.owner.repos.get(repo, {}).get(path)
        if data is None:
            return self._send(404, b"")
        fault = self.owner.faults.popleft() if self.owner.faults else Fault()
        if fault.status:
            return self._send(fault.status, b"", fault.headers)
        data = data if fault.body is None else fault.body
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        headers = {"ETag": etag} if self.owner.etags else {}
        start = self._start(etag) if fault.ranges and self.owner.ranges else 0
        if start >= len(data) > 0:
            return self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send_response(206 if start else 200)
        for name, value in {**headers, "Content-Length": str(len(data) - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        self._body(data[start:], fault)
        return None

    def _start(self, etag: str) -> int:
        wanted = self.headers.get("Range", "")
        if not wanted or self.headers.get("If-Range", etag) != etag:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def _body(self, data: bytes, fault: Fault) -> None:
        try:
            if fault.cut is None:
                self._write(data)
                return
            self.wfile.write(data[: fault.cut])
            if fault.hold is not None:
                fault.hold.wait(30)
                self.wfile.write(data[fault.cut :])
                return
        except OSError:
            pass  # the client has gone
        self.close_connection = True

    def _write(self, data: bytes) -> None:
        """Send all, at the hub's rate if it has one."""
        piece = self.owner.rate // 20 or len(data)
        for start in range(0, len(data), piece or 1):
            self.wfile.write(data[start : start + piece])
            if self.owner.rate:
                time.sleep(0.05)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _node(path: str, data: bytes) -> dict[str, Any]:
    """A file of the tree: models are in large file storage."""
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    node: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": blob}
    if path.endswith((".gguf", ".rkllm")):
        digest = hashlib.sha256(data).hexdigest()
        node["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 134}
        node["oid"] = "0" * 40
    return node
