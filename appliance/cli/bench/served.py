"""`python -m appliance.cli.bench.served FILE`: the server that `luna bench` measures."""

from __future__ import annotations

import json
import logging
import signal
import sys
from pathlib import Path

from appliance import config
from appliance.assembly import Appliance
from appliance.system.ending import Ending

READY = "ready: "


def main() -> None:
    """Serve with the settings in FILE (JSON) until SIGTERM."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("luna.access").setLevel(logging.WARNING)
    stopping = Ending.on(signal.SIGTERM)
    settings = config.load((), {}, json.loads(Path(sys.argv[1]).read_text("utf-8")))
    appliance = Appliance(settings, {})
    appliance.start()
    print(f"{READY}{appliance.urls[0]}", flush=True)
    stopping.wait()
    appliance.stop()


if __name__ == "__main__":
    main()
