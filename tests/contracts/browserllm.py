"""A client of Browser LLM's API that reads what the document promises, and no more."""

from __future__ import annotations

import json
from typing import Any

from appliance import __version__
from appliance.domain.sse import Decoder
from tests.helpers.wire import Response, Wire


class Refused(Exception):
    """An error in the frame of this API."""

    def __init__(self, status: int, error: dict[str, Any], fields: dict[str, str]) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.code = error["code"]
        self.message = error["message"]
        self.param = error["details"]["param"]
        self.fields = fields


class Api:
    """Asks the server on a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.last = Response(0, {}, b"")

    def get(self, path: str) -> Any:
        """The data of an answer; raises Refused."""
        return self._data(self._ask(path, None))

    def post(self, path: str, body: Any = None) -> Any:
        """The data of an answer; raises Refused."""
        return self._data(self._ask(path, {} if body is None else body))

    def generate(self, prompt: str = "Hello!", **more: Any) -> Any:
        """A whole answer; raises Refused."""
        return self.post("/generate", {"prompt": prompt, "max_tokens": 6} | more)

    def stream(self, prompt: str = "Hello!", **more: Any) -> list[Any]:
        """The chunks of an answer; raises Refused."""
        body = {"prompt": prompt, "max_tokens": 6, "stream": True} | more
        answer = self._ask("/generate", body)
        if answer.fields["content-type"] == "application/json":
            self._data(answer)
        assert answer.fields["content-type"].startswith("text/event-stream")
        assert answer.whole
        return [json.loads(each) for each in Decoder().feed(answer.body)]

    def _ask(self, path: str, body: Any) -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        with Wire(self._port) as wire:
            self.last = wire.request(f"/api/v1{path}", body=content)
        return self.last

    def _data(self, answer: Response) -> Any:
        told = json.loads(answer.body)
        metadata = told["metadata"]
        assert metadata["requestId"] == answer.fields["x-request-id"]
        assert isinstance(metadata["timestamp"], int)
        assert metadata["version"] == __version__
        if not told["success"]:
            raise Refused(answer.status, told["error"], answer.fields)
        assert answer.status in (200, 202)
        return told["data"]
