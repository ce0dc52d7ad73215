"""The route table as a WSGI application: the only module that knows Bottle."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

import bottle

from appliance.errors import LunaError, MethodNotAllowed, NotFound
from appliance.http.access import Admission, everybody
from appliance.http.errors import OPENAI, ErrorRenderer, ErrorShape, error_headers
from appliance.http.exchange import Reply, Request
from appliance.http.routes import Route
from appliance.http.websocket.guarded import Guarded
from appliance.serving.answer import Caller

_log = logging.getLogger(__name__)
CALLER = "luna.caller"
"""The key in the environ under which the edge leaves who asks."""
ROUTE = "luna.route"
"""The key under which the path of the route is left for the edge, unless there was none."""
ADDRESS = "luna.address"
"""The key under which the server says which address of this device was asked."""
DIALECT = "luna.dialect"
"""The key under which the server says which dialect the listener is for, if not for all."""
UPGRADE = "luna.upgrade"
"""The key under which the server finds who serves the WebSocket that its connection becomes."""


class App(bottle.Bottle):  # type: ignore[misc]
    """Serves a route table; every error is JSON, in the shape of the route that failed.

    `guard` judges each request to a route before the handler sees it.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        guard: Callable[[Route, Request], Admission] = everybody,
    ) -> None:
        super().__init__()
        self.config["json.enable"] = False
        self._shapes = [(_pattern(route.path), route.error) for route in routes]
        self._paths = [(route.path, route.error) for route in routes]
        for route in routes:
            self.route(_rule(route.path), route.method, _callback(route, guard))

    def default_error_handler(self, res: bottle.HTTPError) -> bytes:
        """What Bottle itself refuses: no such path, not this method, or a fault of ours."""
        request_id = bottle.request.environ[CALLER].request_id
        error = _explain(res)
        if isinstance(error, MethodNotAllowed) and bottle.request.method == "OPTIONS":
            reply = Reply(b"", 204, headers=error_headers(error))
        else:
            reply = self._shape(bottle.request.path).render(error, request_id)
        response = bottle.response
        response.status = reply.status
        response.content_type = reply.content_type
        for name, value in reply.headers:
            response.set_header(name, value)
        assert isinstance(reply.body, bytes)
        return reply.body

    def _shape(self, path: str) -> ErrorShape:
        """How errors look to those who ask for this path, be it with a method that it lacks.

        A path that is not there is like those beside it, if all of them are of one dialect.
        """
        for known, shape in self._shapes:
            if known.fullmatch(path):
                return shape
        while path := path.rpartition("/")[0]:
            beside = {shape for known, shape in self._paths if known.startswith(f"{path}/")}
            if beside:
                return beside.pop() if len(beside) == 1 else OPENAI
        return OPENAI


def _rule(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def _pattern(path: str) -> re.Pattern[str]:
    """What matches the paths of a route."""
    parts = re.split(r"({\w+(?::path)?})", path)
    kinds = {True: ".+", False: "[^/]+"}
    return re.compile(
        "".join(kinds[":" in part] if part[:1] == "{" else re.escape(part) for part in parts)
    )


def _callback(
    route: Route, guard: Callable[[Route, Request], Admission]
) -> Callable[..., bottle.HTTPResponse]:
    def call(**parameters: str) -> bottle.HTTPResponse:
        environ = bottle.request.environ
        environ[ROUTE] = route.public_path
        caller: Caller = environ[CALLER]
        admission = guard(route, _request(environ, caller, parameters))
        try:
            reply = route.handler(admission.checked())
        except LunaError as error:
            reply = route.error.render(error, caller.request_id)
        except Exception:  # outermost loop
            _log.exception("request %s failed", caller.request_id)
            reply = _fault(route.error.render, caller)
        headers = [("Content-Type", reply.content_type), *reply.headers, *admission.headers]
        environ[UPGRADE] = reply.upgrade and Guarded(reply.upgrade, admission.again)
        return bottle.HTTPResponse(reply.body, reply.status, headers)

    return call


def _request(environ: dict[str, object], caller: Caller, parameters: dict[str, str]) -> Request:
    length = int(str(environ.get("CONTENT_LENGTH") or 0))
    body: bytes = environ["wsgi.input"].read(length) if length else b""  # type: ignore[attr-defined]
    headers = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return Request(
        method=str(environ["REQUEST_METHOD"]),
        path=str(environ["PATH_INFO"]),
        caller=caller,
        parameters=parameters,
        query=dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)),
        headers=headers,
        body=body,
        address=str(environ.get(ADDRESS, "")),
        dialect=str(environ.get(DIALECT, "")),
    )


def _fault(render: ErrorRenderer, caller: Caller) -> Reply:
    message = f"Something is wrong inside Luna; its log says more under {caller.request_id}."
    return render(LunaError(message), caller.request_id)


def _explain(res: bottle.HTTPError) -> LunaError:
    request = bottle.request
    if res.status_code == 404:
        return NotFound(f"There is nothing at {request.path}; /docs lists what there is.")
    if res.status_code == 405:
        defined = str(res.get_header("Allow", "")).split(",")
        wanted = " or ".join(defined)
        allowed = (*defined, *(["HEAD"] if "GET" in defined else []), "OPTIONS")
        return MethodNotAllowed(
            f"{request.path} does not take {request.method}; use {wanted}.", allowed=allowed
        )
    if res.exception is not None:
        _log.error("request failed: %s", res.traceback or res.exception)
    request_id = request.environ[CALLER].request_id
    return LunaError(f"Something is wrong inside Luna; its log says more under {request_id}.")
