"""Clients that send what people's apps send, byte for byte where that matters."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.helpers.server import RunningLuna

WEATHER = {
    "type": "function",
    "function": {
        "name": "HassGetWeather",
        "description": "Gets the current weather",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": [],
        },
    },
}


class App:
    """A client that sends its own headers with everything."""

    def __init__(self, luna: RunningLuna, **headers: str) -> None:
        self._port = luna.port
        self._headers = {"Content-Type": "application/json"}
        self._headers |= {name.replace("_", "-"): value for name, value in headers.items()}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[str, bytes]:
        """The content type and the bytes of an answer that is in order."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        data = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, data, self._headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            return answer.getheader("Content-Type", ""), content
        finally:
            connection.close()

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """An answer that is one JSON value."""
        kind, content = self.ask(method, path, body)
        assert kind.startswith("application/json")
        return json.loads(content)

    def lines(self, path: str, body: Any) -> list[Any]:
        """An answer that is a JSON value in each line; only the last one is done."""
        kind, content = self.ask("POST", path, body)
        assert kind == "application/x-ndjson"
        found = [json.loads(line) for line in content.decode().removesuffix("\n").split("\n")]
        assert [each["done"] for each in found] == [False] * (len(found) - 1) + [True]
        return found
