"""What downloads work with on this machine, as the settings say."""

from __future__ import annotations

from pathlib import Path

from appliance.errors import ConfigError, ReadingUnavailable
from appliance.models.downloads.job import Means
from appliance.models.hub.hub import Hub
from appliance.models.hub.offers import Machine
from appliance.settings import DownloadSettings
from appliance.system.board import read_board
from appliance.system.disk import read_disk
from appliance.system.memory import read_memory
from appliance.system.npu import NpuUnavailable, read_npu


def means_of(settings: DownloadSettings, models: Path) -> Means:
    """What fetches models; raises ConfigError for a token that cannot be read."""
    return Means(
        Hub(settings.hub, _token(settings.token_file)),
        models,
        free=lambda: read_disk(models).free_bytes,
        keep_free=settings.keep_free_bytes,
    )


def this_machine() -> Machine:
    """What a model has to fit here."""
    try:
        memory = read_memory().total_bytes
    except ReadingUnavailable:
        memory = 0
    try:
        read_npu()
    except NpuUnavailable:
        return Machine(memory)
    chips = (name.partition(",") for name in read_board().compatible)
    return Machine(memory, next((chip for maker, _, chip in chips if maker == "rockchip"), ""))


def _token(file: Path | None) -> str:
    try:
        token = file.read_text("ascii").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The token in downloads.token_file cannot be read: {error}.") from error
    if not token.isprintable() or " " in token:
        raise ConfigError("downloads.token_file holds no token: it must be one word.")
    return token
