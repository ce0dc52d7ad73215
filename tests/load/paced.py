"""A server whose engine says so many tokens a second in each of its slots, up to the end of stdin.

So the figures are those of the server, not of an engine that takes all of the processor's time.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from appliance.domain.cancel import CancelToken
from appliance.engines.scripted import always
from tests.contracts.scripted import performing


def main(folder: str, hub: str, slots: int, pace: float) -> None:
    """Serve; the port is told as a line of JSON."""
    settings = {"downloads.hub": hub, "rate.generate": 0}

    def pause(token: int, cancel: CancelToken) -> None:
        time.sleep(1 / pace)

    with performing(Path(folder), settings, slots) as stage:
        stage.script = always(*[b"word "] * 400)
        stage.pause = pause
        print(json.dumps({"port": stage.port}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
