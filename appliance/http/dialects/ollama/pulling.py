"""POST /api/pull: a model of a hub, told line by line as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import msgspec
from msgspec import UNSET

from appliance.domain.cancel import CancelToken
from appliance.errors import BadRequest, HubFailed, LunaError, ModelNotFound, Unsupported
from appliance.http.bodies import decode
from appliance.http.dialects.ollama import parse, requests
from appliance.http.dialects.ollama.answers import OllamaStatus
from appliance.http.dialects.ollama.errors import error_body
from appliance.http.exchange import Reply, Request, json_reply
from appliance.models.downloads.item import Download
from appliance.models.downloads.service import Downloads
from appliance.models.hub.names import parse_hub_name
from appliance.models.hub.offers import Machine, Offer
from appliance.models.registry import Registry

_LINES = "application/x-ndjson"
_DONE = OllamaStatus("success")


class Pulling:
    """The handler; `machine` is what a model has to fit whose quantisation is not named."""

    def __init__(
        self, registry: Registry, downloads: Downloads, machine: Callable[[], Machine]
    ) -> None:
        self._registry = registry
        self._downloads = downloads
        self._machine = machine

    def pull(self, request: Request) -> Reply:
        """POST /api/pull; what goes wrong before anything comes is a proper error."""
        body = decode(request.body, requests.OllamaPullBody)
        name = parse.name(body)
        streamed = body.stream is not False
        if self._is_here(name):
            done = msgspec.json.encode(_DONE)
            return Reply(done + b"\n", content_type=_LINES) if streamed else Reply(done)
        try:
            wanted = parse_hub_name(name)
        except BadRequest as error:
            raise Unsupported(
                f"'{name}' is not here. Models come from a hub by names like "
                "hf.co/owner/repository:Q4_K_M; or copy a model file into the models folder.",
                param="model",
            ) from error
        offer, item, _ = self._downloads.pick(wanted, self._machine())
        progress = _Progress(self._downloads, offer, item, request.caller.cancel)
        if streamed:
            return Reply(progress, content_type=_LINES)
        for _ in progress.states():
            continue
        return json_reply(_DONE)

    def _is_here(self, name: str) -> bool:
        try:
            return self._registry.find(name).usable
        except ModelNotFound:
            return False


class _Progress:
    """The lines about one download; nobody's leaving ends it."""

    def __init__(
        self, downloads: Downloads, offer: Offer, item: Download, cancel: CancelToken
    ) -> None:
        self._downloads = downloads
        self._offer = offer
        self._item = item
        self._cancel = cancel

    def close(self) -> None:
        """Nothing is held."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield _line(OllamaStatus("pulling manifest"))
            for state in self.states():
                yield _line(self._status(state))
            yield _line(OllamaStatus("verifying sha256 digest"))
            yield _line(OllamaStatus("writing manifest"))
            yield _line(_DONE)
        except LunaError as error:
            yield _line(error_body(error))

    def states(self) -> Iterator[Download]:
        """The download until it is complete; raises HubFailed where it does not become that."""
        if self._item.status == "complete":
            return
        for state in self._downloads.follow(self._item.key, self._cancel):
            yield state
            if state.status in ("error", "cancelled"):
                raise HubFailed(state.error or "The download was cancelled.")

    def _status(self, state: Download) -> OllamaStatus:
        digest = self._offer.parts[0].sha256
        return OllamaStatus(
            status=f"pulling {PurePosixPath(state.file).name}",
            digest=f"sha256:{digest}" if digest else UNSET,
            total=state.total,
            completed=state.done,
        )


def _line(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value) + b"\n"
