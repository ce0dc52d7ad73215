"""GET over HTTP and TLS, with redirects, that can be cancelled while it waits for the network."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from appliance import __version__
from appliance.domain.cancel import CancelToken
from appliance.errors import HubFailed, HubUnreachable

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_PIECE = 256 * 1024
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the header with names in lower case, and the body while the block lasts."""

    url: str
    status: int
    headers: Mapping[str, str]
    _response: http.client.HTTPResponse

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes; it may end early without any sign, so count its bytes."""
        while piece := self._response.read1(_PIECE):
            yield piece

    def read(self, most: int) -> bytes:
        """The whole body; raises HubFailed if it has more bytes than `most`."""
        held = b""
        for piece in self.pieces():
            held += piece
            if len(held) > most:
                raise HubFailed(f"{self.url} answers with more than {most} bytes; check the hub.")
        return held


@contextmanager
def get(
    url: str,
    headers: Mapping[str, str],
    cancel: CancelToken,
    *,
    token: str = "",
    timeout: float = 30.0,
) -> Iterator[Answer]:
    """The answer to GET `url`, after its redirects; the connection ends with the block.

    `token` goes to the host of `url` only, never to where it redirects. `timeout` is the longest
    silence in seconds. Raises HubUnreachable for what the network does, also within the block,
    HubFailed for nonsense, and the reason of `cancel`.
    """
    origin = _split(url)
    secret = {"Authorization": f"Bearer {token}"} if token else {}
    for _ in range(_MOST_REDIRECTS + 1):
        parts = _split(url)
        if origin.scheme == "https" and parts.scheme != "https":
            raise HubFailed(f"{origin.netloc} redirects to a place without TLS; check the hub.")
        trusted = (parts.scheme, parts.netloc) == (origin.scheme, origin.netloc)
        with _asked(parts, {**headers, **(secret if trusted else {})}, cancel, timeout) as response:
            place = response.getheader("Location")
            if response.status not in _REDIRECTS or place is None:
                found = {name.lower(): value for name, value in response.getheaders()}
                yield Answer(url, response.status, found, response)
                return
        url = _joined(url, place)
    raise HubFailed(f"{origin.netloc} redirects in a circle; check the hub.")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _CONNECTIONS and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isascii() or any(letter <= " " for letter in url):
        raise HubFailed(f"'{url}' is no address that can be fetched from; check the hub's.")
    return parts


def _joined(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise HubFailed(f"'{place}' is no address to be redirected to; check the hub.") from error


@contextmanager
def _asked(
    parts: SplitResult, headers: Mapping[str, str], cancel: CancelToken, timeout: float
) -> Iterator[http.client.HTTPResponse]:
    assert parts.hostname is not None
    kind = _CONNECTIONS[parts.scheme]
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"User-Agent": f"luna/{__version__}", "Accept-Encoding": "identity", **headers}
    try:
        cancel.check()
        connection.connect()
        sock = connection.sock
        with cancel.calling(lambda: _hang_up(sock)):
            connection.request("GET", target, headers=sent)
            yield connection.getresponse()
            cancel.check()  # what was hung up looks like the end of the body
    except TimeoutError as error:
        cancel.check()
        raise HubUnreachable(
            f"{parts.hostname} was silent for {timeout:.0f} s; try again later."
        ) from error
    except http.client.InvalidURL as error:
        raise HubFailed(
            f"'{parts.geturl()}' cannot be fetched; check the hub's address."
        ) from error
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        cancel.check()
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise HubUnreachable(
            f"{parts.hostname} cannot be reached ({why}): is the device connected to the internet?"
        ) from error
    finally:
        connection.close()


def _hang_up(sock: socket.socket) -> None:
    """Wake the thread that reads from `sock`."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own: that one may wait
    except OSError:
        return  # it was closed already
