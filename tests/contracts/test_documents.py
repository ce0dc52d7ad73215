"""`/openapi.json` is right, complete and useful; the files of `/docs` are sent sparingly."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.helpers.server import RunningLuna
from tests.helpers.wire import Wire

pytestmark = pytest.mark.needs("engine")
FILES = [
    "/docs",
    "/docs/docs.js",
    "/docs/docs.css",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
]


@pytest.fixture(scope="module")
def described(luna: RunningLuna) -> dict[str, Any]:
    found: dict[str, Any] = luna.get("/openapi.json")
    return found


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by its id."""
    found = [each for item in described["paths"].values() for each in item.values()]
    by_id = {each["operationId"]: each for each in found}
    assert len(by_id) == len(found), "an operationId is used twice"
    return by_id


def test_it_is_openapi(described: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(described).validate()


def test_every_route_is_in_it(described: dict[str, Any]) -> None:
    wanted = """/ /luna /luna/active /version /health /cpu /npu /ram /v1 /v1/ /v1/health /v1/models
        /v1/models/{id} /v1/chat/completions /v1/completions /v1/embeddings /docs /docs/{name}
        /openapi.json /v1/responses /v1/messages /v1/messages/count_tokens /api/chat /api/generate
        /api/tags /api/ps /api/show /api/version /api/embed /api/embeddings /api/pull /api/delete
        /api/copy /api/models /api/downloads /api/downloads/enqueue /api/downloads/cancel
        /api/downloads/reset /api/v1/generate /api/v1/models /api/v1/models/{id}
        /api/v1/models/{id}/load /api/v1/status /api/v1/debug/logs /api/v1/debug/profile /api/v1/ws
        /ws"""
    assert set(described["paths"]) >= set(wanted.split())


def test_every_body_has_examples_that_fit_it(described: dict[str, Any]) -> None:
    bodies = [
        each["requestBody"] for each in operations(described).values() if "requestBody" in each
    ]
    assert bodies
    for body in bodies:
        content = body["content"]["application/json"]
        assert content["examples"]
        if content["schema"].get("type") == "array":
            assert all(isinstance(each["value"], list) for each in content["examples"].values())
            continue
        name = content["schema"]["$ref"].rpartition("/")[2]
        known = described["components"]["schemas"][name]["properties"]
        for example in content["examples"].values():
            assert set(example["value"]) <= set(known)


def test_every_failure_has_an_example_and_503_says_when(described: dict[str, Any]) -> None:
    for operation in operations(described).values():
        assert {"400", "500", "503"} <= set(operation["responses"])
        (success,) = {"200", "101"} & set(operation["responses"])
        assert "x-request-id" in operation["responses"][success]["headers"]
        if "requestBody" in operation:
            assert "413" in operation["responses"]
            assert "x-luna-ignored" in operation["responses"]["200"]["headers"]
    for response in described["components"]["responses"].values():
        assert response["content"]["application/json"]["example"]
    assert "Retry-After" in described["components"]["responses"]["NotNow"]["headers"]


@pytest.mark.parametrize("path", FILES)
def test_a_file_comes_compressed_and_once(luna: RunningLuna, path: str) -> None:
    with Wire(luna.port) as wire:
        plain = wire.request(path)
        packed = wire.request(path, "Accept-Encoding: br, gzip")
        again = wire.request(path, f"If-None-Match: {plain.fields['etag']}")
    assert plain.status == 200
    assert "content-encoding" not in plain.fields
    assert packed.fields["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert (again.status, again.body) == (304, b"")
    for answer in (plain, packed, again):
        policy = answer.fields["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


def test_the_page_names_nothing_of_elsewhere(luna: RunningLuna) -> None:
    with Wire(luna.port) as wire:
        page = wire.request("/docs").body.decode()
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
