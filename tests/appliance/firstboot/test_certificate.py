from __future__ import annotations

import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from appliance.firstboot.certificate import CertificateFailed, make_certificate
from appliance.http.tls import server_context
from appliance.system.identity import Identity

IDENTITY = Identity("cafe0123", "luna-cafe")


@pytest.mark.needs("openssl")
def test_a_server_can_use_it_and_its_names_are_right(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make_certificate(IDENTITY, key, certificate)
    assert isinstance(server_context(certificate, key), ssl.SSLContext)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    command = ["openssl", "x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "DNS:luna-cafe.local" in told
    assert "IP Address:10.42.0.1" in told


@pytest.mark.needs("openssl")
def test_why_it_failed_is_told(tmp_path: Path) -> None:
    with pytest.raises(CertificateFailed, match="made no certificate"):
        make_certificate(IDENTITY, tmp_path / "no/key.pem", tmp_path / "no/certificate.pem")


def test_without_openssl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CertificateFailed, match="apt install openssl"):
        make_certificate(IDENTITY, tmp_path / "key.pem", tmp_path / "certificate.pem")
