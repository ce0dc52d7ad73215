from __future__ import annotations

import pytest

from appliance.http.exchange import Reply, Request
from appliance.http.routes import Operation, Route


def handler(request: Request) -> Reply:
    return Reply(b"")


@pytest.mark.parametrize(
    ("path", "parameters", "public"),
    [
        ("/v1/models", (), "/v1/models"),
        ("/v1/models/{id:path}", ("id",), "/v1/models/{id}"),
        ("/slots/{id}/{other}", ("id", "other"), "/slots/{id}/{other}"),
    ],
)
def test_paths(path: str, parameters: tuple[str, ...], public: str) -> None:
    route = Route("GET", path, handler, Operation("", ""))
    assert route.parameters == parameters
    assert route.public_path == public
