"""WiFi: joining a network as the phone app asks for it, and what there is to know about it."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any, Final

from appliance.errors import BadRequest, LunaError, MissingField, NotFound, Retryable
from appliance.http.bodies import decode
from appliance.http.dialects.luna.wifi_bodies import (
    Forgotten,
    HeardNetworks,
    Identifier,
    JoinBody,
    Joined,
    LastJoin,
    SavedNetworks,
    SetupNetwork,
    Wifi,
    heard,
    last,
    saved,
    text,
)
from appliance.http.errors import ErrorShape, error_headers, status_of
from appliance.http.exchange import Reply, Request, json_reply
from appliance.http.rights import require_administration
from appliance.http.routes import Operation, Parameter, Route
from appliance.system.provisioning import Hotspot, JoinResult, Provisioning

_JOIN_SECONDS: Final = 100.0  # longer than the service gives a join
_INTERRUPTED: Final = ("unavailable", "cancelled")


class JoinFailed(BadRequest):
    """The network was not joined; `code` says why."""

    code = "refused"

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.code = outcome


class JoinInterrupted(Retryable):
    """The join could not be carried out, or has not ended; `code` says why."""

    code = "pending"

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message, retry_after=5)
        self.code = outcome


class WifiApi:
    """Handlers. Changes are for who may administer the device or sits on its setup network."""

    def __init__(self, service: Provisioning) -> None:
        self._service = service

    def state(self, request: Request) -> Reply:
        """GET /wifi."""
        now = self._service.situation()
        hotspot = now.hotspot
        shown = SetupNetwork(hotspot.up, text(hotspot.ssid), hotspot.open, hotspot.address)
        return json_reply(Wifi(now.state, shown, last(now), now.country, list(now.problems)))

    def join(self, request: Request) -> Reply:
        """POST /wifi."""
        body = decode(request.body, JoinBody)
        ssid = bytes.fromhex(body.id) if body.id else body.uuid.encode("utf-8")
        if not ssid:
            raise MissingField("Missing required field 'uuid'.", param="uuid")
        hotspot = self._admit(request)
        attempt = self._service.join(ssid, body.password.encode("utf-8"), _options(body))
        if _sits_on(hotspot, request) and not hotspot.stays:
            return json_reply(Joined(True, _farewell(text(ssid)), "", "pending"), 202)
        return json_reply(_told(self._service.wait(attempt, _JOIN_SECONDS), text(ssid)))

    def result(self, request: Request) -> Reply:
        """GET /wifi/result."""
        return json_reply(last(self._service.situation()))

    def networks(self, request: Request) -> Reply:
        """GET /wifi/networks."""
        self._admit(request)
        scan = request.query.get("scan", "") in ("1", "true")
        return json_reply(HeardNetworks(list(map(heard, self._service.networks(scan=scan)))))

    def known(self, request: Request) -> Reply:
        """GET /wifi/known."""
        self._admit(request)
        return json_reply(SavedNetworks(list(map(saved, self._service.known()))))

    def forget(self, request: Request) -> Reply:
        """DELETE /wifi/known/{id}."""
        self._admit(request)
        identifier = request.parameters["id"]
        try:
            ssid = bytes.fromhex(identifier)
        except ValueError:
            ssid = b""
        if not ssid or not self._service.forget(ssid):
            raise NotFound(f"No saved network has the id {identifier!r}; GET /wifi/known has them.")
        return json_reply(Forgotten())

    def _admit(self, request: Request) -> Hotspot:
        """The setup network. Raises Forbidden for who may not change the WiFi.

        Before the first network is saved everybody may, as the device is of no use without one.
        """
        hotspot = self._service.situation().hotspot
        if not _sits_on(hotspot, request) and self._service.known():
            require_administration(request)
        return hotspot


def _sits_on(hotspot: Hotspot, request: Request) -> bool:
    """Whether the caller has an address of the setup network."""
    try:
        caller = ip_address(request.caller.client)
        return hotspot.up and caller in ip_interface(hotspot.address).network
    except ValueError:
        return False


def _options(body: JoinBody) -> dict[str, bool | str]:
    names = ("security", "identity", "method", "anonymous", "domain", "certificate")
    told: dict[str, bool | str] = {name: getattr(body, name) for name in names}
    told["hidden"] = body.hidden
    return {name: value for name, value in told.items() if value}


def _told(ended: JoinResult | None, name: str) -> Joined:
    """What is answered to who waited. Raises JoinFailed or JoinInterrupted."""
    if ended is None:
        why = f"There is no result for {name} yet; ask /wifi/result for it."
        raise JoinInterrupted("pending", why)
    if ended.outcome in _INTERRUPTED:
        raise JoinInterrupted(ended.outcome, ended.message)
    if ended.outcome != "connected":
        raise JoinFailed(ended.outcome, ended.message)
    return Joined(True, ended.message, "", ended.outcome, list(ended.addresses))


def _render(error: LunaError, request_id: str) -> Reply:
    body = Joined(False, "", error.message, error.code)
    return json_reply(body, status_of(error), error_headers(error))


def _farewell(name: str) -> str:
    return (
        f"Luna joins {name} now, and its setup network ends meanwhile. Connect to {name} yourself "
        "and look for Luna there; if the setup network comes back, /wifi/result says why."
    )


JOIN: Final = ErrorShape("Wifi", Joined, _render)


def routes(api: WifiApi) -> tuple[Route, ...]:
    """The rows of the table that are about WiFi."""

    def operation(summary: str, answer: type, **more: Any) -> Operation:
        return Operation(summary, "WiFi", answer=answer, **more)

    joining = operation(
        "Join a network",
        Joined,
        body=JoinBody,
        description="Answers when the device is connected (200) or why it is not (400). Whoever "
        "sits on the device's setup network loses it meanwhile and gets 202 at once.",
        accepted="It is begun; /wifi/result has the result when the device is in reach again",
        statuses=(403, 503),
        examples={"Join": {"uuid": "Your_WiFi_Name", "password": "Your_Password"}},
    )
    rescan = Parameter("scan", "Look again first; takes some seconds", bool)
    listing = operation("Networks on the air", HeardNetworks, query=(rescan,), statuses=(403, 503))
    identifier = Parameter("id", "The bytes of the name in hexadecimal", Identifier, "484f4d45")
    forgetting = operation(
        "Forget a saved network", Forgotten, path=(identifier,), statuses=(403, 404, 503)
    )
    remembered = operation("Saved networks", SavedNetworks, statuses=(403, 503))
    return (
        Route("GET", "/wifi", api.state, operation("State of WiFi", Wifi, statuses=(503,))),
        Route("POST", "/wifi", api.join, joining, JOIN, access="own", changes=True),
        Route(
            "GET",
            "/wifi/result",
            api.result,
            operation("How the last join ended", LastJoin, statuses=(503,)),
        ),
        Route("GET", "/wifi/networks", api.networks, listing, access="own"),
        Route("GET", "/wifi/known", api.known, remembered, access="own"),
        Route("DELETE", "/wifi/known/{id}", api.forget, forgetting, access="own", changes=True),
    )
