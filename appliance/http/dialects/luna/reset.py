"""The factory reset, asked for by an administrator."""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec import Struct

from appliance.errors import ReadingUnavailable, Retryable
from appliance.http.bodies import decode
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.routes import Operation, Route
from appliance.system import reset_mark
from appliance.system.reset_mark import Reset

_log = logging.getLogger(__name__)


class ResetBody(Struct, frozen=True):
    """`models` too, or only settings, networks, keys and history."""

    models: bool


class ResetBegun(Struct, frozen=True):
    """The device restarts now and forgets."""

    status: str = "restarting"


class ResetApi:
    """The handler; `folder` is where the boot looks for the wish, None where no boot looks."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def reset(self, request: Request) -> Reply:
        """POST /luna/reset."""
        wish = decode(request.body, ResetBody)
        if self._folder is None:
            raise ReadingUnavailable(
                "This machine is not set up as an appliance, so nothing is reset; to begin anew, "
                "remove Luna's data folder."
            )
        try:
            reset_mark.ask(self._folder, Reset(wish.models))
        except OSError as error:
            raise Retryable(
                f"The wish for a reset could not be kept ({error.strerror}); make room on the disk "
                "and try again."
            ) from error
        _log.warning("a factory reset was asked for%s", ", models too" * wish.models)
        return json_reply(ResetBegun(), 202)


def routes(api: ResetApi) -> tuple[Route, ...]:
    """The table."""
    operation = Operation(
        "Factory reset",
        "Luna",
        body=ResetBody,
        answer=ResetBegun,
        description="The device restarts and forgets settings, WiFi networks, keys and history; "
        "what its label says stays. It is then set up as when it was new.",
        accepted="The device restarts now and forgets.",
        statuses=(403, 501, 503),
        examples={"Keep the models": {"models": False}},
    )
    return (Route("POST", "/luna/reset", api.reset, operation, access="admin", changes=True),)
