"""TLS for listeners, from a certificate chain and its key in PEM files."""

from __future__ import annotations

import ssl
from pathlib import Path

from appliance.errors import ConfigError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for TLS 1.2 and later; raises ConfigError naming the file that is wrong."""
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as problem:
            raise ConfigError(f"Cannot read the TLS file {path}: {problem.strerror}.") from problem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: a key that needs one fails instead of asking on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as problem:
        if problem.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"The key {key} does not belong to {certificate}.") from problem
        raise ConfigError(
            f"{certificate} and {key} are not a PEM certificate and its key ({problem.reason})."
        ) from problem
    return context
