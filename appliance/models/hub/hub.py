"""A hub that speaks the HTTP API of huggingface.co: one repository, one file at a time.

`GET /api/models/{repo}/revision/{revision}`, `GET /api/models/{repo}/tree/{commit}?recursive=true`
(in pages, by the header `Link`) and `GET /{repo}/resolve/{commit}/{path}`, which may redirect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from urllib.parse import quote, urljoin, urlsplit

from appliance.domain.cancel import CancelToken
from appliance.errors import Forbidden, HubFailed, HubUnreachable, NotFound
from appliance.models.hub.repository import Repository, parse_repository
from appliance.models.hub.web import Answer, get

_JSON_BYTES = 16 * 2**20
_MOST_PAGES = 50
_LONGEST_WAIT = 3600
_QUICK = 15.0  # seconds of silence: somebody waits for this answer
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


class Hub:
    """The hub at `url`; `token` is sent to it, and to nobody that it redirects to."""

    def __init__(self, url: str, token: str = "", timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout

    def look(self, repo: str, cancel: CancelToken, revision: str = "main") -> Repository:
        """The repository at the newest commit of `revision`.

        Raises NotFound, Forbidden for one that wants a token, HubUnreachable, HubFailed.
        """
        if not is_repo(repo):
            raise NotFound(f"'{repo}' is no repository: write it like owner/name.")
        api = f"{self.url}/api/models/{repo}"
        info, _ = self._read(f"{api}/revision/{quote(revision, safe='')}", repo, cancel)
        commit = parse_repository(repo, info, ()).commit
        tree = f"{api}/tree/{quote(commit, safe='')}?recursive=true"
        return parse_repository(repo, info, self._pages(tree, repo, cancel))

    def open(
        self, repo: str, commit: str, path: str, cancel: CancelToken, start: int = 0, etag: str = ""
    ) -> AbstractContextManager[Answer]:
        """A file from byte `start` on, if it still has that `etag`; judge it with `refuse`."""
        url = f"{self.url}/{repo}/resolve/{quote(commit, safe='')}/{quote(path)}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and etag:
            headers["If-Range"] = etag
        return get(url, headers, cancel, token=self._token, timeout=self._timeout)

    def refuse(self, answer: Answer, what: str) -> None:
        """Raise what a status that is not a success means."""
        status, host = answer.status, urlsplit(self.url).hostname
        gated = answer.headers.get("x-error-code", "") == "GatedRepo"
        if status < 300 or status == 416:
            return
        if status == 403 or gated:
            raise Forbidden(
                f"{host} does not give '{what}' to everybody: accept its terms there, and put an "
                "access token into downloads.token_file."
            )
        if status in (401, 404, 410):
            raise NotFound(
                f"There is no '{what}' on {host}. A private one needs a token in "
                "downloads.token_file."
            )
        if status in (408, 425, 429) or status >= 500:
            wait = _seconds(answer.headers.get("retry-after", ""))
            raise HubUnreachable(
                f"{host} has no time now (status {status}); try again later.", retry_after=wait
            )
        raise HubFailed(f"{host} answers with status {status} for '{what}'; check the hub.")

    def _read(self, url: str, repo: str, cancel: CancelToken) -> tuple[bytes, Answer]:
        accept = {"Accept": "application/json"}
        with get(url, accept, cancel, token=self._token, timeout=_QUICK) as answer:
            self.refuse(answer, repo)
            return answer.read(_JSON_BYTES), answer

    def _pages(self, url: str, repo: str, cancel: CancelToken) -> Iterator[bytes]:
        for _ in range(_MOST_PAGES):
            page, answer = self._read(url, repo, cancel)
            yield page
            more = _NEXT.search(answer.headers.get("link", ""))
            if more is None:
                return
            url = urljoin(url, more[1])
            if not url.startswith(f"{self.url}/"):  # the token would go there too
                raise HubFailed("The hub continues its list at another host; check its address.")


def is_repo(name: str) -> bool:
    """Whether a name is one that a repository can have: `owner/name`."""
    return _REPO.fullmatch(name) is not None and ".." not in name


def _seconds(text: str) -> int:
    """Retry-After in seconds; a date counts as a minute."""
    if not text:
        return 1
    return min(int(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else 60
