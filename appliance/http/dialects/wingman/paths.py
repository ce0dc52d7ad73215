"""Where Wingman's clients look for the WebSocket: its own server takes any path."""

from __future__ import annotations

from wsgiref.types import WSGIEnvironment

from appliance.http.app import DIALECT
from appliance.http.dialects.browserllm import socket as browserllm
from appliance.http.dialects.wingman import socket as wingman


def socket_path(environ: WSGIEnvironment) -> str:
    """The path of the socket that a handshake is meant for.

    `/` is where Wingman's own clients connect; on a port of theirs it may be any other path.
    """
    path = str(environ["PATH_INFO"])
    theirs = environ.get(DIALECT) == "wingman" and path != browserllm.PATH
    return wingman.PATH if theirs or path == "/" else path
