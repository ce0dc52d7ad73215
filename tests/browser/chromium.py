"""A headless Chromium, spoken to over its DevTools protocol through a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.helpers.wire import eventually

OPTIONS = """
    --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-default-apps --disable-extensions
    --disable-dev-shm-usage --remote-debugging-pipe
""".split()


class Refused(AssertionError):
    """The browser did not carry out a command: the page was being left, for example."""


class Page:
    """One tab; what it asks the network for, and what goes wrong in it, is kept.

    `options` are more words for its command line.
    """

    def __init__(self, *options: str) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._home = tempfile.TemporaryDirectory(
            prefix="luna-chromium-", ignore_cleanup_errors=True
        )
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # The browser reads from descriptor 3 and writes to 4.
        script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        home = f"--user-data-dir={self._home.name}"
        command = ["chromium", *OPTIONS, *options, home, "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": self._home.name},
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out = os.fdopen(ours_out, "wb", buffering=0)
        self._in = os.fdopen(ours_in, "rb", buffering=0)
        self._rest = b""
        self._messages: deque[dict[str, Any]] = deque()
        self._last_id = 0
        self._session: str | None = None
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, url: str, width: int, height: int) -> None:
        """Go to `url` in a window of that many pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Page.navigate", url=url)

    def emulate(
        self, *, javascript: bool = True, dark: bool = False, reduced_motion: bool = False
    ) -> None:
        """Be such a browser from the next page on; `evaluate` works without JavaScript too."""
        self.call("Emulation.setScriptExecutionDisabled", value=not javascript)
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if reduced_motion else "no-preference",
        }
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key, by its name in UI Events; `text` is what it types."""
        code = {"Tab": 9, "Enter": 13, " ": 32}.get(key, 0)
        self.call(
            "Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def write(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Return when the expression is true, if need be on a later page."""

        def holds() -> object:
            try:
                return self.evaluate(script)
            except Refused:
                return False

        eventually(holds, script)

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command; what happens until its answer comes is noted."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise Refused(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(str(answer.get("method")), answer.get("params", {}))

    def close(self) -> None:
        """End the browser and all its processes."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._out.close()
        self._in.close()
        self._home.cleanup()

    def _receive(self) -> dict[str, Any]:
        while not self._messages:
            chunk = self._in.read(1 << 16)
            assert chunk, "chromium has ended"
            *whole, self._rest = (self._rest + chunk).split(b"\0")
            self._messages.extend(map(json.loads, whole))
        return self._messages.popleft()

    def _note(self, event: str, parameters: Mapping[str, Any]) -> None:
        match event:
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning"):
                self.complaints.append(json.dumps(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(parameters["entry"]["text"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
