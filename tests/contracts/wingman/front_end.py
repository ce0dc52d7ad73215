"""Wingman's desktop application, as far as a server can tell: what it asks, reads and relies on."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.helpers.wire import PATIENCE_S, eventually

RECONNECT_S = 1.0
# encodeURI leaves these as they are, so a repository's slash stays raw.
AS_THEY_ARE = ";,/?:@&=+$-_.!~*'()#"
# Its window is a browser, whose page comes from a server of its own on the same machine.
PAGE = Origin("http://localhost:3000")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/122.0 Electron/29.1"


class FrontEnd:
    """Connects to the two ports of Wingman's server, and connects again whenever it is cut off.

    `heard` are all frames since the start; what the application keeps of them is in the other
    fields, by the rules of its own code.
    """

    def __init__(self, control: int, inference: int) -> None:
        self._control = control
        self._inference = inference
        self.heard: list[dict[str, Any]] = []
        self.connections = 0
        self.online = threading.Event()
        self.parts: dict[str, Any] = {}  # meta, system, tensors, timings
        self.time_series: list[dict[str, float]] = []
        self.wingman_service: dict[str, Any] = {}
        self.download_service: dict[str, Any] = {}
        self._socket: ClientConnection | None = None
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="front-end")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quit.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join()

    # What it asks.

    def get(self, path: str, **query: object) -> tuple[int, Any]:
        """Status and JSON of a control action, all of which are GETs."""
        fields = "&".join(f"{name}={value}" for name, value in query.items())
        target = quote(f"/api/{path}" + (f"?{fields}" if fields else ""), safe=AS_THEY_ARE)
        request = urllib.request.Request(
            f"http://localhost:{self._control}{target}",
            headers={"Origin": PAGE, "Sec-Fetch-Site": "same-site", "User-Agent": BROWSER},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
                assert "application/json" in response.headers["content-type"]
                assert response.headers["access-control-allow-origin"] in ("*", PAGE)
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def post(self, path: str, body: Any) -> Iterator[dict[str, Any]]:
        """The chunks of a stream from the inference port: one `data:` line and an empty one."""
        request = urllib.request.Request(
            f"http://localhost:{self._inference}{path}",
            json.dumps(body | {"stream": True}).encode(),
            {"Content-Type": "application/json", "Origin": PAGE, "User-Agent": BROWSER},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            for event in response.read().decode().split("\n\n"):
                if event.startswith("data: ") and event != "data: [DONE]":
                    yield json.loads(event.removeprefix("data: "))

    def say(self, text: str) -> None:
        """Send a message on the WebSocket."""
        assert self._socket is not None
        self._socket.send(text)

    # What it waits for.

    def frames(self, name: str, since: int = 0) -> list[Any]:
        """What came under one key."""
        return [frame[name] for frame in self.heard[since:] if name in frame]

    def item(self, file: str) -> dict[str, Any]:
        """The download as the last list of all has it, or nothing."""
        lists = self.frames("DownloadItems")
        return next((each for each in lists[-1] if each["filePath"] == file), {}) if lists else {}

    def current(self) -> dict[str, Any]:
        """The model that answers; empty without one."""
        frames = self.frames("currentWingmanInferenceItem")
        return dict(frames[-1]) if frames else {}

    def wait_for(self, what: str, file: str, status: str) -> None:
        """Wait until a download or a model has a status, by the frames alone."""
        look = {"download": lambda: self.item(file), "model": self.current}[what]
        eventually(lambda: look().get("status") == status, f"{what} {status}")

    def _watch(self) -> None:
        while not self._quit.is_set():
            with suppress(OSError, ConnectionClosed, EOFError):
                self._listen()
            self.online.clear()
            self._quit.wait(RECONNECT_S)

    def _listen(self) -> None:
        with connect(
            f"ws://localhost:{self._control}",
            proxy=None,
            origin=PAGE,
            user_agent_header=BROWSER,
        ) as socket:
            self._socket = socket
            self.connections += 1
            self.online.set()
            for text in socket:
                self._take(json.loads(text))

    def _take(self, frame: dict[str, Any]) -> None:
        for name in ("meta", "system", "tensors", "timings"):
            if frame.get(name):
                self.parts[name] = frame[name]
        if frame.get("timings"):
            # The application rounds every value, which must be a number for that.
            rounded = {key: round(value * 10) / 10 for key, value in frame["timings"].items()}
            self.time_series.append(rounded)
        self.wingman_service = frame.get("WingmanService") or self.wingman_service
        self.download_service = frame.get("DownloadService") or self.download_service
        if current := self.download_service.get("currentDownload"):
            assert isinstance(current["progress"], int | float)  # it calls toPrecision on it
            assert isinstance(current["downloadSpeed"], str)
        self.heard.append(frame)
