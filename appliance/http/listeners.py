"""Listening sockets: bound by ourselves or handed over by systemd (sd_listen_fds(3))."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from appliance.errors import ConfigError
from appliance.http import tls
from appliance.settings import ServerSettings
from appliance.system import activation


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens, and the TLS context its connections use, if any.

    `dialect` names those whose clients look for their server there, "" means all.
    """

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    dialect: str = ""

    @property
    def address(self) -> tuple[str, int] | str:
        """Host and port, or the path of a Unix socket."""
        name = self.socket.getsockname()
        return (name[0], name[1]) if isinstance(name, tuple) else str(name)

    @property
    def port(self) -> int:
        """The port, 0 for a Unix socket."""
        return 0 if isinstance(self.address, str) else self.address[1]


def opened(settings: ServerSettings, environ: Mapping[str, str]) -> list[Listener]:
    """The sockets that systemd passed, else one of our own; and those of `settings.listeners`.

    A passed one on the port of one of those takes its place. Raises ConfigError.
    """
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise ConfigError("TLS needs both server.tls_certificate and server.tls_key.")
    context = None
    if settings.tls_certificate and settings.tls_key:
        context = tls.server_context(settings.tls_certificate, settings.tls_key)
    with ExitStack() as undo:
        found = inherited(environ, context)
        if not found:
            host = "" if settings.host == "0.0.0.0" else settings.host
            found = bind(host, settings.port, tls=context)
        for listener in found:
            undo.callback(listener.socket.close)
        for each in settings.listeners:
            there = [one for one in found if each.port and one.port == each.port]
            more = there or bind(each.host, each.port, tls=context)
            for listener in more:
                undo.callback(listener.socket.close)
            marked = [replace(one, dialect=each.dialect) for one in more]
            found = [*(one for one in found if one not in there), *marked]
        undo.pop_all()
        return found


def bind(
    host: str, port: int, backlog: int = 128, tls: ssl.SSLContext | None = None
) -> list[Listener]:
    """Listen on every address of `host`, on one port; "" and "::" mean all of IPv4 and IPv6.

    Port 0 takes a free one. Raises ConfigError with a sentence if that cannot be done.
    """
    if host in ("", "::"):
        return [Listener(_any(host, port, backlog), tls)]
    with ExitStack() as opened:
        listeners = []
        for family, address in _resolve(host, port):
            sock = opened.enter_context(_listen(family, (address, port), backlog))
            port = sock.getsockname()[1]
            listeners.append(Listener(sock, tls))
        opened.pop_all()
        return listeners


def inherited(
    environ: Mapping[str, str], tls: ssl.SSLContext | None = None, *, pid: int | None = None
) -> list[Listener]:
    """The sockets that systemd passed to this process, in its order; empty if there are none.

    Unix sockets, which are for programs of this machine, have no TLS.
    """
    return [
        Listener(sock, None if sock.family == socket.AF_UNIX else tls)
        for sock in activation.inherited(environ, pid)
    ]


def _any(host: str, port: int, backlog: int) -> socket.socket:
    """One socket for all of IPv6 and IPv4, or for IPv4 alone where the kernel has no IPv6."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True
        )
    except (OSError, ValueError) as problem:
        if getattr(problem, "errno", None) in (errno.EADDRINUSE, errno.EACCES):
            raise _unusable(host, port, problem) from problem
    return _listen(socket.AF_INET, ("", port), backlog)


def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise ConfigError(
            f"The host {host!r} to listen on is unknown; give an address or name of this machine."
        ) from problem
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _listen(family: socket.AddressFamily, address: tuple[str, int], backlog: int) -> socket.socket:
    try:
        return socket.create_server(address, family=family, backlog=backlog)
    except OSError as problem:
        raise _unusable(*address, problem) from problem


def _unusable(host: str, port: int, problem: Exception) -> ConfigError:
    match getattr(problem, "errno", None):
        case errno.EADDRINUSE:
            reason = "another program uses this port; stop it or choose another port"
        case errno.EACCES | errno.EPERM:
            reason = (
                "ports below 1024 need privileges; choose a higher port or start Luna by systemd"
            )
        case errno.EADDRNOTAVAIL:
            reason = "this machine does not have that address"
        case _:
            reason = str(problem)
    return ConfigError(f"Cannot listen on {host or '*'} port {port}: {reason}.")
