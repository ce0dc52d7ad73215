from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

import luna_client
from luna_client import ApiError, BadAnswer, LunaClient, RateLimited, Retry, TimedOut
from tests.helpers.canned import CannedServer, events, http

Handler = Callable[[httpx.Request], httpx.Response]
USAGE = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
SPEED = {"tokens_per_second": 18.5, "latency_ms": 54, "total_time_ms": 8432}
DONE: dict[str, Any] = {
    "text": "Hello",
    "tokens": 2,
    "finish_reason": "stop",
    "usage": USAGE,
    "performance": SPEED,
}


def success(data: Any, status: int = 200) -> httpx.Response:
    metadata = {"requestId": "req_1", "timestamp": 1, "version": "1.0.0"}
    return httpx.Response(status, json={"success": True, "data": data, "metadata": metadata})


def failure(code: str, status: int, **headers: str) -> httpx.Response:
    error = {"code": code, "message": f"It is {code}.", "details": {"param": "top_k"}}
    body = {"success": False, "error": error}
    return httpx.Response(status, json=body, headers={"x-request-id": "req_1", **headers})


class Fake:
    """Answers requests in turn, the last answer again and again, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []
        self._answers = list(answers)
        self.client = LunaClient(
            "luna.local", transport=httpx.MockTransport(self._answer), sleep=self.slept.append
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @property
    def last(self) -> tuple[str, str, Any]:
        request = self.asked[-1]
        body = json.loads(request.content) if request.content else None
        return request.method, str(request.url), body


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("luna.local", "http://luna.local/api/v1"),
        ("http://10.0.0.7:8080/", "http://10.0.0.7:8080/api/v1"),
        ("https://[fe80::1%25eth0]:8443", "https://[fe80::1%25eth0]:8443/api/v1"),
        ("http://localhost:3000/api/v1", "http://localhost:3000/api/v1"),
        ("https://example.com/box/api/v1/", "https://example.com/box/api/v1"),
    ],
)
def test_addresses(given: str, url: str) -> None:
    with LunaClient(given) as client:
        assert client.base_url == url


@pytest.mark.parametrize(
    "given", ["", "ftp://x", "http://", "http:///api", "http://[::1", "x:99999", "x:0", "my luna"]
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(ValueError, match="no server's address"):
        LunaClient(given)


def test_generate_sends_what_the_document_says() -> None:
    fake = Fake(success(DONE))
    result = fake.client.generate(
        "Hi", 20, 0.5, top_k=4, stop=["."], json_schema={"type": "object"}
    )
    assert result == DONE
    assert result["performance"]["tokens_per_second"] == 18.5
    body = {"prompt": "Hi", "max_tokens": 20, "temperature": 0.5, "top_k": 4, "stop": ["."]}
    body["json_schema"] = {"type": "object"}
    assert fake.last == ("POST", "http://luna.local/api/v1/generate", body)


def test_the_other_routes() -> None:
    fake, url = Fake(success({"models": []})), "http://luna.local/api/v1"
    assert fake.client.get_models() == {"models": []}
    assert fake.last == ("GET", f"{url}/models", None)
    fake.client.get_model("owner/name v1")
    assert fake.last == ("GET", f"{url}/models/owner%2Fname%20v1", None)
    fake.client.get_status()
    assert fake.last == ("GET", f"{url}/status", None)
    fake.client.get_logs(level="warn", limit=5)
    assert fake.last == ("GET", f"{url}/debug/logs?level=warn&limit=5", None)
    fake.client.get_profile(since=1.5)
    assert fake.last == ("GET", f"{url}/debug/profile?since=1.5", None)


def test_a_load_is_waited_for() -> None:
    loading, loaded = {"model_id": "a", "status": "loading"}, {"model_id": "a", "status": "loaded"}
    fake = Fake(success(loading, 202), success(loading, 202), success(loaded))
    assert fake.client.load_model("a") == loaded
    assert fake.last == ("POST", "http://luna.local/api/v1/models/a/load", None)
    assert fake.slept == [1.0, 1.0]
    fake = Fake(success(loading, 202))
    assert fake.client.load_model("a", wait=False) == loading
    with pytest.raises(TimedOut):
        fake.client.load_model("a", timeout=3)


def test_errors_have_the_documents_codes() -> None:
    fake = Fake(failure("VALIDATION_ERROR", 400))
    with pytest.raises(ApiError, match=r"It is VALIDATION_ERROR\.") as caught:
        fake.client.generate("")
    error = caught.value
    assert (error.code, error.status, error.request_id) == ("VALIDATION_ERROR", 400, "req_1")
    assert error.details == {"param": "top_k"}
    assert len(fake.asked) == 1


def test_a_rate_limit_is_waited_for() -> None:
    limited = {"retry-after": "7"}
    fake = Fake(failure("RATE_LIMIT", 429, **limited), failure("RATE_LIMIT", 429), success(DONE))
    assert fake.client.generate("Hi") == DONE
    assert fake.slept == [7.0, 2.0]


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_that_lasts_is_an_error(stream: bool) -> None:
    fake = Fake(failure("RATE_LIMIT", 429, **{"retry-after": "20"}))
    with pytest.raises(RateLimited) as caught:
        list(fake.client.generate_stream("Hi")) if stream else fake.client.generate("Hi")
    assert caught.value.code == "RATE_LIMIT"
    assert caught.value.retry_after == 20
    assert fake.slept == [20.0, 20.0, 20.0]


def test_an_hour_is_not_waited_for() -> None:
    fake = Fake(failure("RATE_LIMIT", 429, **{"retry-after": "3600"}))
    with pytest.raises(RateLimited):
        fake.client.get_models()
    assert fake.slept == []


def test_a_model_that_loads_is_waited_for_where_the_luna_says_so() -> None:
    loading = failure("MODEL_NOT_LOADED", 503, **{"retry-after": "2"})
    fake = Fake(loading, success(DONE))
    assert fake.client.generate("Hi") == DONE
    assert fake.slept == [2.0]
    fake = Fake(failure("MODEL_NOT_LOADED", 503))
    with pytest.raises(ApiError) as caught:
        fake.client.generate("Hi")
    assert caught.value.code == "MODEL_NOT_LOADED"
    assert fake.slept == []


def test_a_date_in_retry_after_is_none() -> None:
    late = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    fake = Fake(failure("RATE_LIMIT", 429, **late), success(DONE))
    fake.client.generate("Hi")
    assert fake.slept == [1.0]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"success": True}),
        httpx.Response(204),
        httpx.Response(302, headers={"location": "/"}),
        httpx.Response(502, html="<html>"),
        httpx.Response(404, json={"error": "short"}),
        httpx.Response(200, content=b"[" * 100_000),
    ],
)
def test_what_is_no_luna_is_told(answer: httpx.Response) -> None:
    with pytest.raises(BadAnswer, match="check the address") as caught:
        Fake(answer).client.get_status()
    assert caught.value.code == "BAD_ANSWER"


def test_an_error_outside_the_frame_is_read_too() -> None:
    body = {"error": {"message": "Too large.", "type": "x", "param": None, "code": "too_large"}}
    with pytest.raises(ApiError, match="Too large") as caught:
        Fake(httpx.Response(413, json=body)).client.generate("x")
    assert caught.value.code == "too_large"


def test_headers() -> None:
    sent: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return success({})

    with LunaClient("x", api_key="secret", transport=httpx.MockTransport(answer)) as client:
        client.get_status()
    assert sent[0]["authorization"] == "Bearer secret"
    assert sent[0]["user-agent"] == f"luna-client/{luna_client.__version__}"


def test_the_documents_sample_runs(capsys: pytest.CaptureFixture[str]) -> None:
    token = json.dumps({"type": "token", "data": {"token": "Hel"}}).encode()
    done = json.dumps({"type": "done", "data": {"completion": DONE}}).encode()
    whole = json.dumps({"success": True, "data": DONE}).encode()

    def printed(answer: bytes) -> Iterator[luna_client.BrowserLLMClient]:
        with CannedServer(answer) as server, luna_client.BrowserLLMClient(server.url) as client:
            yield client

    for client in printed(http(whole)):
        result = client.generate(prompt="Explain machine learning", max_tokens=200, temperature=0.7)
        print(result["text"])
    for client in printed(events(token, done)):
        for piece in client.generate_stream(prompt="Write a poem"):
            print(piece, end="", flush=True)
    assert capsys.readouterr().out == "Hello\nHel"


def test_nobody_answers() -> None:
    with LunaClient("http://127.0.0.1:1") as client, pytest.raises(luna_client.Unreachable):
        client.get_status()


def test_silence_and_retry_are_settings() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["read"] == 3.0
        raise httpx.ReadTimeout("", request=request)

    transport = httpx.MockTransport(silent)
    client = LunaClient("x", timeout=3, retry=Retry(times=0), transport=transport)
    with client, pytest.raises(TimedOut, match="larger timeout"):
        client.get_status()
