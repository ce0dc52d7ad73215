from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from appliance.cli import connect
from appliance.errors import ConfigError
from tests.helpers.canned import CannedServer, http


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    connect.add_options(parser, "the server")
    return parser.parse_args(words)


def test_the_option_wins_over_the_environment() -> None:
    environ = {"LUNA_URL": "http://luna.local"}
    assert connect.server_url(parse("--url", "http://x"), environ) == "http://x"
    assert connect.server_url(parse(), environ) == "http://luna.local"
    assert connect.server_url(parse(), {}) == "http://localhost:8080"


def test_the_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    with CannedServer(http(b"{}")) as server:
        environ = {"LUNA_URL": server.url, "LUNA_API_KEY": "from-environment"}
        connect.client(parse("--api-key-file", str(file)), environ).get("/")
        connect.client(parse(), environ).get("/")
        connect.client(parse(), {"LUNA_URL": server.url}).get("/")
    assert b"Bearer from-file" in server.requests[0]
    assert b"Bearer from-environment" in server.requests[1]
    assert b"Authorization" not in server.requests[2]


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff"])
def test_a_key_file_without_a_key_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="key"):
        connect.client(parse("--api-key-file", str(file)), {})


def test_a_key_that_no_header_can_carry_is_told() -> None:
    with pytest.raises(ConfigError, match="LUNA_API_KEY"):
        connect.client(parse(), {"LUNA_API_KEY": "clé"})


def test_a_missing_key_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        connect.client(parse("--api-key-file", str(tmp_path / "none")), {})
