"""Who is let in, tried from outside: pages of elsewhere, rebound names, keys, guesses, nonsense."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import ROOT, RunningLuna, clean_environment
from tests.helpers.wire import Response, Wire

EVIL = "Origin: http://evil.example"
# What web pages of elsewhere may send: it makes models work, and changes nothing that is kept.
FOR_ALL_PAGES = re.compile(
    r"/v1/?|/(v1/)?(chat/)?completions?|/(v1/)?(embeddings?|rerank|reranking)|/infill|/tokenize"
    r"|/detokenize|/apply-template|/props|/lora-adapters|/v1/messages(/count_tokens)?"
    r"|/v1/responses(/.*)?|/api/(chat|generate|embed|embeddings|show)|/api/v1/generate"
    r"|/api/v1/models/{id}/load"
)


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    folder = tmp_path_factory.mktemp("luna")
    settings = f'[access]\nwrong_keys = 3\n[mdns]\nauth_mark = "{folder}/keys-wanted"\n'
    with RunningLuna(folder, settings=settings) as running:
        running.wait_loaded()
        yield running


def ask(luna: RunningLuna, method: str, path: str, *headers: str, body: bytes = b"") -> Response:
    lines = list(headers)
    if not any(line.lower().startswith("host:") for line in lines):
        lines.append("Host: localhost")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with Wire(luna.port) as wire:
        wire.send("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body)
        return wire.response()


def operations(luna: RunningLuna) -> dict[tuple[str, str], set[str]]:
    """Method and path of all that there is, with the statuses that the documents name."""
    paths = luna.get("/openapi.json")["paths"]
    return {
        (method.upper(), path): set(operation["responses"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def error_code(answer: Response) -> str:
    return str(json.loads(answer.body)["error"]["code"])


def keys(luna: RunningLuna, *words: str) -> str:
    """What `luna keys` prints, run as by a person beside the server."""
    data = luna.models.parent / "data"
    command = [sys.executable, "-m", "appliance.cli.main", "keys", f"--data-dir={data}", *words]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment(luna.models.parent),
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def test_a_page_of_elsewhere_reaches_nothing_that_changes(luna: RunningLuna) -> None:
    # Pages that may read answers may open sockets too, whose orders are guarded one by one.
    told = operations(luna).items()
    guarded = {asked for asked, statuses in told if "403" in statuses and "426" not in statuses}
    assert len(guarded) > 10
    for method, path in guarded:
        filled = path.replace("{id}", "0").replace("{name}", "x")
        for header in (EVIL, "Origin: null", "Sec-Fetch-Site: cross-site"):
            answer = ask(luna, method, filled, header)
            assert answer.status == 403, (method, path, header)


@pytest.mark.parametrize(
    "path",
    [
        "/api/downloads/enqueue",
        "/api/downloads/cancel",
        "/api/downloads/reset",
        "/api/inference/start",
        "/api/inference/stop",
        "/api/inference/reset",
        "/api/shutdown",
    ],
)
def test_an_image_on_a_page_starts_nothing(luna: RunningLuna, path: str) -> None:
    # Without TLS browsers say nothing of the page when they fetch an image, or follow a link.
    silent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"
    secret = "alias=luna_secret&modelRepo=a/b&filePath=c"
    for headers in ((silent,), (silent, "Sec-Fetch-Site: cross-site"), (silent, EVIL)):
        assert ask(luna, "GET", f"{path}?{secret}", *headers).status == 403
    assert "is refused: forbidden" in luna.log
    assert "luna_secret" not in luna.log


def test_what_changes_something_is_guarded(luna: RunningLuna) -> None:
    open_to_pages = {
        path
        for (method, path), statuses in operations(luna).items()
        if method != "GET" and "403" not in statuses
    }
    assert {path for path in open_to_pages if not FOR_ALL_PAGES.fullmatch(path)} == set()


def test_a_page_of_elsewhere_may_chat(luna: RunningLuna) -> None:
    body = b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}'
    answer = ask(luna, "POST", "/v1/chat/completions", EVIL, body=body)
    assert answer.status == 200
    assert answer.fields["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("host", ["evil.example", "luna.local.evil.example", "evil.example:8080"])
def test_rebound_names_read_nothing(luna: RunningLuna, host: str) -> None:
    for (method, path), _ in operations(luna).items():
        filled = path.replace("{id}", "0").replace("{name}", "docs.js")
        answer = ask(luna, method, filled, f"Host: {host}")
        assert answer.status == 421, (method, path)
    assert "access.hosts" in json.loads(answer.body)["error"]["message"]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8080", "[::1]", "luna-1a2b.local", "luna"]
)
def test_own_names(luna: RunningLuna, host: str) -> None:
    assert ask(luna, "GET", "/luna", f"Host: {host}").status == 200


def test_a_proxy_on_the_device_does_not_administer(luna: RunningLuna) -> None:
    assert ask(luna, "GET", "/luna/engines").status == 200
    assert ask(luna, "GET", "/luna/engines", "X-Forwarded-For: 192.168.1.9").status == 403


def test_keys_from_the_first_to_the_last(luna: RunningLuna) -> None:
    body = b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}'
    phone = keys(luna, "add", "phone")
    try:
        refused = ask(luna, "POST", "/v1/chat/completions", body=body)
        assert (refused.status, error_code(refused)) == (401, "invalid_api_key")
        assert refused.fields["www-authenticate"].startswith("Bearer")
        assert (luna.models.parent / "keys-wanted").exists()  # discovery tells it
        for header in (f"Authorization: Bearer {phone}", f"x-api-key: {phone}"):
            assert ask(luna, "POST", "/v1/chat/completions", header, body=body).status == 200
        for path in ("/health", "/v1/health", "/luna", "/docs", "/docs/docs.js", "/openapi.json"):
            assert ask(luna, "GET", path).status == 200, path
        for path in ("/", "/v1/models", "/metrics", "/api/tags", "/props", "/luna/active"):
            assert ask(luna, "GET", path).status == 401, path
        assert ask(luna, "GET", "/luna/engines").status == 200  # the device administers itself
    finally:
        keys(luna, "revoke", "phone")
    assert ask(luna, "GET", "/v1/models").status == 200
    assert not (luna.models.parent / "keys-wanted").exists()
    assert phone not in luna.log


def test_each_dialect_refuses_in_its_own_words(luna: RunningLuna) -> None:
    keys(luna, "add", "tablet")
    try:
        anthropic = json.loads(ask(luna, "POST", "/v1/messages", body=b"{}").body)
        assert anthropic["error"]["type"] == "authentication_error"
        ollama = json.loads(ask(luna, "POST", "/api/chat", body=b"{}").body)
        assert "Authorization" in ollama["error"]
        native = json.loads(ask(luna, "POST", "/completion", body=b"{}").body)
        assert (native["error"]["code"], native["error"]["type"]) == (401, "authentication_error")
    finally:
        keys(luna, "revoke", "tablet")


def test_administration_from_elsewhere_wants_a_key_for_it(luna: RunningLuna) -> None:
    elsewhere = "X-Forwarded-For: 192.168.1.9"
    phone, owner = keys(luna, "add", "phone"), keys(luna, "add", "owner", "--scope", "admin")
    try:

        def status(*headers: str) -> int:
            return ask(luna, "GET", "/luna/engines", elsewhere, *headers).status

        assert status() == 401
        assert status(f"Authorization: Bearer {phone}") == 403
        assert status(f"Authorization: Bearer {owner}") == 200
        assert status(f"Authorization: Bearer {owner}", EVIL) == 403
    finally:
        keys(luna, "revoke", "phone")
        keys(luna, "revoke", "owner")


def test_guesses_are_slowed_down(luna: RunningLuna) -> None:
    phone = keys(luna, "add", "phone")
    good = f"Authorization: Bearer {phone}"
    try:
        assert ask(luna, "GET", "/v1/models", good).status == 200
        said = [
            ask(luna, "GET", "/v1/models", f"Authorization: Bearer luna_guess{number}")
            for number in range(6)
        ]
        assert [answer.status for answer in said] == [401] * 3 + [429] * 3
        assert 1 <= int(said[-1].fields["retry-after"]) <= 60
        assert ask(luna, "GET", "/v1/models", good).status == 200
    finally:
        keys(luna, "revoke", "phone")
    assert luna.log.count("showed a wrong API key") == 3
    assert "luna_guess" not in luna.log


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/slots/0?action=save", {"filename": "../../../etc/x"}),
        ("POST", "/slots/0?action=save", {"filename": "/etc/x"}),
        ("POST", "/slots/0?action=restore", {"filename": "..\\x"}),
        ("POST", "/slots/0?action=restore", {"filename": "a\u0000b"}),
        ("POST", "/slots/..%2f..%2fetc?action=erase", {}),
        ("POST", "/api/copy", {"source": "tiny", "destination": "../evil"}),
        ("DELETE", "/api/delete", {"model": "../luna.toml"}),
    ],
)
def test_names_lead_nowhere_else(luna: RunningLuna, method: str, path: str, body: object) -> None:
    answer = ask(luna, method, path, body=json.dumps(body).encode())
    assert 400 <= answer.status < 500
    assert (luna.models.parent / "luna.toml").exists()
    assert not list(Path(luna.models.parent).rglob("evil*"))


@pytest.mark.parametrize("path", ["/docs/..%2f..%2fapp.py", "/docs/../../app.py", "/docs/%2e%2e"])
def test_files_lead_nowhere_else(luna: RunningLuna, path: str) -> None:
    assert ask(luna, "GET", path).status in (400, 404)


def test_json_that_is_too_deep(luna: RunningLuna) -> None:
    body = b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert ask(luna, "POST", "/v1/chat/completions", body=body).status == 400


def test_a_body_that_is_too_large(luna: RunningLuna) -> None:
    head = "Content-Length: 99999999999"
    assert ask(luna, "POST", "/v1/chat/completions", head).status == 413


def test_no_header_is_let_through_to_the_answer_or_the_log(luna: RunningLuna) -> None:
    forged = "x-request-id: good\tSet-Cookie: a=b"
    answer = ask(luna, "GET", "/luna", forged)
    assert "set-cookie" not in answer.fields
    assert answer.fields["x-request-id"].startswith("req_")
    split = ask(luna, "GET", "/v1/models/a%0d%0aSet-Cookie:%20a=b")
    assert (split.status, "set-cookie" in split.fields) == (404, False)
    assert "\nSet-Cookie" not in luna.log
