"""A certificate of the device's own, made by openssl(1)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from appliance.errors import LunaError
from appliance.system.identity import Identity

# Long, because the clock of a board without a battery may be years behind when it is made.
_DAYS = 7300
_SECONDS = 60.0
_SETUP_ADDRESS = "10.42.0.1"


class CertificateFailed(LunaError):
    """There is no certificate; the message has openssl's reason."""

    code = "certificate_failed"


def make_certificate(identity: Identity, key: Path, certificate: Path) -> None:
    """Write a new P-256 key and a certificate signed by it, both PEM. Raises CertificateFailed."""
    names = [identity.name, f"{identity.name}.local", "luna.local", "localhost"]
    said = ",".join([*(f"DNS:{name}" for name in names), f"IP:{_SETUP_ADDRESS}"])
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-sha256", "-days", str(_DAYS), "-subj", f"/CN={identity.name}.local"]
    command += ["-addext", f"subjectAltName={said}", "-addext", "extendedKeyUsage=serverAuth"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_SECONDS, errors="replace"
        )
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise CertificateFailed(f"openssl made no certificate: {why[0]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CertificateFailed(
            f"openssl made no certificate ({error}); install it: apt install openssl"
        ) from error
