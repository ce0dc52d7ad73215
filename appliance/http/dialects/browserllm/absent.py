"""Models that are not here yet, but were asked for: they are being downloaded, or that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.errors import ModelLoadFailed, ModelLoading, ModelNotFound
from appliance.models.downloads.item import Download

_AGAIN_SECONDS = 10
_TOLD = ("queued", "downloading", "error")


class Absent:
    """`downloads` gives all that are known; done ones are models like any other."""

    def __init__(self, downloads: Callable[[], Sequence[Download]]) -> None:
        self._downloads = downloads

    def all(self) -> list[Download]:
        """Those that come, or failed to."""
        return [each for each in self._downloads() if each.status in _TOLD]

    def find(self, name: str) -> Download:
        """The one that a name means; raises ModelNotFound."""
        for download in self.all():
            if name.casefold() in (name_of(download).casefold(), download.repo.casefold()):
                return download
        raise ModelNotFound(f"The model '{name}' does not exist.", param="model")

    def refuse(self, name: str) -> ModelLoading | ModelLoadFailed:
        """Why one of them cannot be loaded; raises ModelNotFound for all other names."""
        download = self.find(name)
        if download.status == "error":
            return ModelLoadFailed(f"'{name}' could not be downloaded. {download.error}")
        return ModelLoading(
            f"'{name}' is being downloaded: {download.percent:.0f} % is here. Try again later.",
            retry_after=_AGAIN_SECONDS,
        )


def name_of(download: Download) -> str:
    """What it is called before and after it has come."""
    return f"{download.repo}:{download.file}"
