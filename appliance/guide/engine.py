"""The guide in llama.cpp's own server, in a child process: for its evaluation and its tests.

`python -m appliance.guide.engine FILE` prints the server's URL and runs until its input closes.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

_TIMEOUT = 60.0


class GuideServer:
    """A context manager around the child; its methods speak HTTP with it."""

    def __init__(self, model: Path, slots: int = 1) -> None:
        self._command = [sys.executable, "-m", __name__, str(model), str(slots)]
        self._child: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None
        self.url = self._child.stdout.readline().strip()
        if not self.url:
            self.__exit__()
            raise RuntimeError("The engine did not start: its messages above say why.")
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.communicate(timeout=_TIMEOUT)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON and return the JSON answer; urllib's HTTPError if it is refused."""
        with self.open(path, body) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def open(self, path: str, body: dict[str, Any]) -> Any:
        """POST JSON and return the open response, for streams."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return urllib.request.urlopen(request, timeout=_TIMEOUT)

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        """Return the assistant's message, at temperature 0 unless said otherwise."""
        body = {"messages": messages, "temperature": 0, "max_tokens": 200, **options}
        message: dict[str, Any] = self.post("/v1/chat/completions", body)["choices"][0]["message"]
        return message

    def ask(self, question: str, **options: Any) -> str:
        """Return the text answer to one question."""
        return self.chat([{"role": "user", "content": question}], **options).get("content") or ""


def _serve(model: str, slots: int) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_ctx = 2048 * slots
    parameters.n_parallel = slots
    parameters.use_jinja = True
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    parameters.verbosity = 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
