"""Downloads of a hub on loopback, which the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.domain.cancel import CancelToken
from appliance.models.downloads.item import Download
from appliance.models.downloads.job import Means
from appliance.models.downloads.ledger import Ledger
from appliance.models.downloads.service import Downloads
from appliance.models.folder import Entry
from appliance.models.hub.hub import Hub
from appliance.models.registry import Registry
from appliance.observe.metrics_downloads import DownloadMetrics
from appliance.settings import ModelSettings
from appliance.store.database import Database
from appliance.store.downloads import DownloadRows
from tests.helpers.hub import FakeHub
from tests.helpers.server import tiny_model
from tests.helpers.wire import eventually

REPO, FILE = "ann/tiny", "tiny-Q4_K_M.gguf"
SPLIT = [f"big-Q8_0-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
PLENTY = 10**12


def repositories() -> dict[str, dict[str, bytes]]:
    """One with a model, one with a split model, one with a model of the NPU."""
    model = tiny_model().read_bytes()
    return {
        REPO: {FILE: model, "tiny-Q8_0.gguf": model + b"\0", "README.md": b"# tiny"},
        "ann/big": dict(zip(SPLIT, [model, b"part two", b"part three"], strict=True)),
        "ann/npu": {
            "m-w8a8-rk3588.rkllm": b"weights",
            "tokenizer.json": b"{}",
            "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
        },
    }


class House:
    """A device: its folders, and downloads that can be begun again as a new process would."""

    def __init__(self, folder: Path, hub: FakeHub) -> None:
        self.models = folder / "models"
        self.models.mkdir()
        self.hub = hub
        self.database = Database(folder / "luna.db")
        self.free: Callable[[], int] = lambda: PLENTY
        self.waits: list[float] = []
        self.gone: list[Entry] = []
        self.metrics = DownloadMetrics()
        self.parallel = 2
        self.downloads = self.make()

    def means(self) -> Means:
        """Pauses last no time here."""

        def wait(cancel: CancelToken, seconds: float) -> None:
            self.waits.append(seconds)
            cancel.check()

        return Means(Hub(self.hub.url), self.models, lambda: self.free(), 10**6, wait)

    def make(self) -> Downloads:
        """The downloads as a new process sees them."""
        self.registry = Registry(self.models, ModelSettings())
        self.downloads = Downloads(
            self.means(),
            self.registry,
            Ledger(DownloadRows(self.database), self.metrics),
            self.parallel,
            self.gone.append,
        )
        return self.downloads

    def begin(self) -> Downloads:
        """A started one."""
        self.make().start()
        return self.downloads

    def item(self, repo: str = REPO, file: str = FILE) -> Download:
        """What is told of the one download."""
        (item,) = self.downloads.items(repo, file)
        return item

    def until(self, status: str, repo: str = REPO, file: str = FILE) -> Download:
        """The download when it has that status."""
        eventually(lambda: self.item(repo, file).status == status, f"{status} of {file}")
        return self.item(repo, file)

    def hidden(self) -> list[str]:
        """The places of downloads that are there."""
        return sorted(path.name for path in self.models.glob(".downloads/*"))

    def close(self) -> None:
        """Stop everything."""
        self.downloads.stop()
        self.database.close()
