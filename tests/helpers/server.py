"""A real `luna serve` in a process of its own, and the tiny model that it serves.

with RunningLuna(tmp_path) as luna:
    luna.get("/health")["slots_idle"]
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance.engines import launch
from tests.helpers import random_model
from tests.helpers.wire import eventually

ROOT = Path(__file__).parents[2]
READY = re.compile(r"^Luna is ready: (\S+)", re.MULTILINE)
STOP_SECONDS = 60.0
# Threads of an engine wait for each other by spinning: two on a busy machine take turns at that.
ONE_THREAD = {"LUNA_CPU_ENGINE_THREADS": "1"}
# Nothing that a test does may ask a hub on the internet.
NO_HUB = {"LUNA_DOWNLOADS_HUB": "http://127.0.0.1:9"}


@cache
def tiny_model() -> Path:
    """A model of 0.4 MB with random weights, `tiny.gguf`: made once, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="luna-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return random_model.tiny(folder / "tiny.gguf")


def clean_environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings for Luna, with `home` as the home folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LUNA_", "XDG_"))}
    return kept | {"HOME": str(home), "PYTHONUNBUFFERED": "1"} | dict(more or {})


class RunningLuna:
    """A server on a free loopback port that answers when the constructor returns.

    `folder` gets its settings file (`settings` is TOML text), its data, its log, and copies of the
    `models`: [] leaves the bundled one, None means the tiny one. Start it in the main thread: it
    is killed when the thread that started it ends, so that no test run leaves a server behind. Its
    engine has one thread, unless `environ` says otherwise.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        settings: str = "",
        models: Iterable[Path] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.models = folder / "models"
        self.models.mkdir(parents=True, exist_ok=True)
        for model in [tiny_model()] if models is None else models:
            shutil.copy(model, self.models)
        file = folder / "luna.toml"
        file.write_text(settings, "utf-8")
        command = [sys.executable, "-m", "appliance.cli.main", "serve", f"--config={file}"]
        command += ["--host=127.0.0.1", "--port=0", f"--data-dir={folder / 'data'}"]
        command += [f"--models-dir={self.models}", *options]
        self._log = folder / "luna.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                launch.command(command),
                cwd=ROOT,
                env=clean_environment(folder, ONE_THREAD | NO_HUB | dict(environ or {})),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            eventually(lambda: READY.search(self.log) or self._process.poll() is not None, "start")
            ready = READY.search(self.log)
            assert ready, f"luna serve ended with {self._process.returncode}:\n{self.log}"
        except BaseException:
            self.kill()
            raise
        self.url = ready[1]
        self.port = int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it wrote to stdout and stderr so far."""
        return self._log.read_text("utf-8", "replace")

    def get(self, path: str) -> Any:
        """The JSON answer to a GET."""
        with urllib.request.urlopen(self.url + path, timeout=10.0) as response:
            return json.load(response)

    def wait_loaded(self) -> None:
        """Return when the default model is loaded, which a fresh server does by itself."""
        eventually(lambda: self.get("/health")["slots_idle"] > 0, "the default model's load")

    def signal(self, sign: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        self._process.send_signal(sign)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """End it as systemd does; returns the exit status, also when it has ended before."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
