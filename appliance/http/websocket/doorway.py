"""What clients of WebSockets cannot say as others do, put as the route table understands it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PROTOCOLS = "HTTP_SEC_WEBSOCKET_PROTOCOL"
_KEY = "luna-key."


class Doorway:
    """Wraps the application; `path` says to which socket a handshake is meant, by its environ.

    A script in a browser cannot set headers of a handshake, only name subprotocols: it gives its
    API key as `luna-key.KEY` beside `luna`, which is then what is agreed on.
    """

    def __init__(self, app: WSGIApplication, path: Callable[[WSGIEnvironment], str]) -> None:
        self._app = app
        self._path = path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on (PEP 3333)."""
        if environ.get("HTTP_UPGRADE", "").strip().lower() == "websocket":
            environ["PATH_INFO"] = self._path(environ)
            _take_key(environ)
        return self._app(environ, start_response)


def _take_key(environ: WSGIEnvironment) -> None:
    """Make a key among the subprotocols the bearer's, and leave no trace of it."""
    offered = [each.strip() for each in environ.get(_PROTOCOLS, "").split(",")]
    keys = [each.removeprefix(_KEY) for each in offered if each.startswith(_KEY)]
    if keys:
        environ[_PROTOCOLS] = ", ".join(e for e in offered if not e.startswith(_KEY))
        environ.setdefault("HTTP_AUTHORIZATION", f"Bearer {keys[0]}")
