from __future__ import annotations

import gzip

import pytest

from appliance.domain.cancel import CancelToken
from appliance.http.exchange import Reply, Request
from appliance.http.sdk import sdk_routes
from appliance.serving.answer import Caller


def ask(path: str, **headers: str) -> Reply:
    (route,) = (each for each in sdk_routes() if each.path == path)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    caller = Caller("127.0.0.1", "req_1", CancelToken())
    return route.handler(Request(route.method, path, caller, headers=named))


@pytest.mark.parametrize(
    ("path", "kind", "word"),
    [
        ("/sdk/luna.js", "text/javascript; charset=utf-8", b"export class LunaClient"),
        ("/sdk/luna.d.ts", "application/typescript; charset=utf-8", b"export class LunaClient"),
    ],
)
def test_files(path: str, kind: str, word: bytes) -> None:
    reply = ask(path)
    assert (reply.status, reply.content_type) == (200, kind)
    assert isinstance(reply.body, bytes)
    assert word in reply.body
    packed = ask(path, accept_encoding="gzip, br")
    assert ("Content-Encoding", "gzip") in packed.headers
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == reply.body
    tag = dict(reply.headers)["ETag"]
    assert ask(path, if_none_match=tag).status == 304
    assert ask(path, if_none_match='"other"').status == 200
