"""TLS contexts from files, and TLS connections that go wrong."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from appliance.errors import ConfigError
from appliance.http.limits import Limits
from appliance.http.tls import server_context
from tests.helpers.wire import Wire, echo, serving

FILES = Path(__file__).parents[2] / "helpers"
CERTIFICATE, KEY = FILES / "localhost.crt", FILES / "localhost.key"
OTHER_KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGhRANC
AARrF9Hy4SxCR/i85uVjpEDydwN9gS3rM6D0oTlF2JjClk/jQuL+Gn+bjufrSnwPnhYrzjNXazFezsu2QGg3v1H1
-----END PRIVATE KEY-----
"""
LOCKED_KEY = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjbXUGZCBDofQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEIC7d/asa5ZZWJ0OaOa6xrwEgZA1
ozN9rtHNu1NfMu1tbku/etg9VBv9dkVU0BYuYowfNsE3DARzWO9Af/ZFIgXFCJrr
ypB3RvbfmE+3JBzV1Yqrg4ch1Tp6i/TLl+fT0c3dAwm3bROg3qfH1b6zFOskqkiQ
tYV8wIa6UxDjm1WoiasDIl1ratWvV+0OnHkOSdiH63/G3giKGYvwflRYm+EqpaA=
-----END ENCRYPTED PRIVATE KEY-----
"""


@pytest.fixture
def context() -> ssl.SSLContext:
    return server_context(CERTIFICATE, KEY)


@pytest.fixture
def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def test_requests_over_tls(context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with serving(tls=context) as port, Wire(port, trusting) as wire:
        big = wire.request("/a", body=b"x" * 300_000)
        assert (big.status, b'"size": 300000' in big.body) == (200, True)
        assert b'"wsgi.url_scheme": "https"' in wire.request("/b").body
        wire.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b'"/1"' in wire.response().body
        assert b'"/2"' in wire.response().body


def test_records_that_follow_an_unanswered_request_are_not_lost(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with serving(tls=context) as port, Wire(port, trusting) as wire:
        for number in range(3):
            wire.send(f"GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        for number in range(3):
            assert f'"/{number}"'.encode() in wire.response().body


def test_it_ends_with_a_close_notify(context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with serving(tls=context) as port:
        raw = socket.create_connection(("127.0.0.1", port), timeout=5)
        strict = trusting.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
        with strict:
            strict.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while strict.recv(4096):
                pass


def test_plain_http_is_told_to_use_https(context: ssl.SSLContext) -> None:
    with serving(tls=context) as port, Wire(port) as wire:
        response = wire.request("/")
        assert (response.status, response.code) == (400, "https_required")
        assert wire.ended()


def test_an_unfinished_handshake_holds_nobody_up(
    context: ssl.SSLContext, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(workers=1, header_seconds=0.5)
    with serving(echo, limits, context) as port, Wire(port) as silent, Wire(port) as halfway:
        halfway.send(b"\x16\x03\x01\x02\x00\x01")
        with Wire(port, trusting) as honest:
            assert honest.request("/").status == 200
        assert silent.ended()
        assert halfway.ended()
    assert not caplog.records


def test_a_broken_handshake_is_dropped(
    context: ssl.SSLContext, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(tls=context) as port:
        for hello in (b"\x16", b"\x16\x03\x01\x00\x05hello", b"\x16" * 100):
            with Wire(port) as wire:
                wire.send(hello)
                wire.socket.shutdown(socket.SHUT_WR)
                assert wire.ended()
        with Wire(port, trusting) as wire:
            assert wire.request("/").status == 200
    assert not caplog.records


def test_old_versions_are_refused(context: ssl.SSLContext) -> None:
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_named(tmp_path: Path, missing: int) -> None:
    files = [CERTIFICATE, KEY]
    files[missing] = tmp_path / "nowhere.pem"
    with pytest.raises(ConfigError, match=r"nowhere\.pem: No such file"):
        server_context(*files)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text(OTHER_KEY)
    with pytest.raises(ConfigError, match="does not belong to"):
        server_context(CERTIFICATE, other)


@pytest.mark.parametrize("text", ["", "not PEM at all", LOCKED_KEY])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    other = tmp_path / "other.key"
    other.write_text(text)
    with pytest.raises(ConfigError, match="not a PEM certificate and its key"):
        server_context(CERTIFICATE, other)
