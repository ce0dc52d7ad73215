"""A minimal server of the vendor-demo kind, to be measured beside ours; it needs Flask.

One model in the server's own process, results in a list that the request's thread looks into every
few milliseconds, and 503 for whoever comes while it is busy.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from appliance.engines.rkllm.library import open_library
from appliance.engines.rkllm.runtime import Runtime
from appliance.engines.rkllm.values import Load, Piece, Run

POLL_S = 0.005


class Demo:
    """The state that such a server keeps."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._busy = threading.Lock()
        self._texts: list[str] = []

    def answer(self) -> Any:
        """POST /v1/chat/completions, always as a stream."""
        if not self._busy.acquire(blocking=False):
            return "The server is busy! Maybe you can try again later.", 503
        body = request.get_json(force=True)
        run = Run(body["messages"][-1]["content"], max_new_tokens=body["max_tokens"])
        worker = threading.Thread(target=self._runtime.run, args=(run, self._listen))
        worker.start()
        return Response(self._stream(worker), content_type="text/event-stream")

    def _listen(self, piece: Piece) -> bool:
        if piece.text:
            self._texts += piece.text.decode("utf-8", "replace")  # one by one, as the demo does
        return True

    def _stream(self, worker: threading.Thread) -> Iterator[str]:
        try:
            while worker.is_alive() or self._texts:
                while self._texts:
                    chunk = {
                        "id": "demo",
                        "object": "chat.completion.chunk",
                        "choices": [{"index": 0, "delta": {"content": self._texts.pop(0)}}],
                    }
                    yield f"data: {json.dumps(chunk)}\n\n"
                time.sleep(POLL_S)
            yield "data: [DONE]\n\n"
        finally:
            worker.join()
            self._busy.release()


def main() -> None:
    """`demo_server.py LIBRARY MODEL PORT`."""
    library, model, port = sys.argv[1:]
    demo = Demo(Runtime(open_library(Path(library)), Load(Path(model), 16384, 16384)))
    app = Flask(__name__)
    app.add_url_rule("/v1/chat/completions", view_func=demo.answer, methods=["POST"])
    app.run("127.0.0.1", int(port), threaded=True)


if __name__ == "__main__":
    main()
