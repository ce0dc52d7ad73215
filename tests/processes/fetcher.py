"""A process that fetches models and throws them away again, until it is killed.

python -m tests.processes.fetcher URL FOLDER
"""

from __future__ import annotations

import itertools
import sys
import time
from contextlib import suppress
from pathlib import Path

from appliance.errors import LunaError
from appliance.models.downloads.job import Means
from appliance.models.downloads.ledger import Ledger
from appliance.models.downloads.service import Downloads
from appliance.models.hub.hub import Hub
from appliance.models.registry import Registry
from appliance.observe.metrics_downloads import DownloadMetrics
from appliance.settings import ModelSettings
from appliance.store.database import Database
from appliance.store.downloads import DownloadRows

MODELS = [("ann/tiny", "tiny-Q4_K_M.gguf"), ("ann/split", "s-00001-of-00003.gguf")]


def main(url: str, folder: Path) -> None:
    """Begin as a server does, and be busy."""
    models = folder / "models"
    models.mkdir(exist_ok=True)
    registry = Registry(models, ModelSettings())
    means = Means(Hub(url), models, lambda: 10**12, 0)
    ledger = Ledger(DownloadRows(Database(folder / "luna.db")), DownloadMetrics())
    downloads = Downloads(means, registry, ledger, 2, lambda entry: None)
    downloads.start()
    print("ready", flush=True)
    for key in itertools.cycle(MODELS):
        with suppress(LunaError):
            downloads.enqueue(*key)
        if any(item.key == key and item.status == "complete" for item in downloads.items()):
            with suppress(LunaError):
                downloads.reset(*key)
        time.sleep(0.005)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
