"""One look at everything that the screen shows; what cannot be read is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.cli.client import Client, ServerFailed, ServerUnreachable
from appliance.cli.status.facts import Facts
from appliance.errors import ConfigError, LunaError
from appliance.importing import progress
from appliance.system import first_key
from appliance.system.addresses import Place, reachable, read_places
from appliance.system.identity import read_identity
from appliance.system.label import FILE as LABEL_FILE
from appliance.system.label import Label, read_passphrase
from appliance.system.provisioning import Provisioning, Situation

ADMIN_KEY = Path("var/lib/luna-firstboot/admin-key")
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it looks; `root` is another folder in tests."""

    server: Client
    situation: Callable[[], Situation]
    places: Callable[[], tuple[Place, ...]] = read_places
    root: Path = Path("/")
    imports: Path = progress.FOLDER


def device(url: str) -> Sources:
    """This machine, with its server at `url`."""
    return Sources(Client(url, timeout=_SECONDS), Provisioning(call_seconds=_SECONDS).situation)


def look(sources: Sources) -> Facts:
    """How things are now; takes some seconds where a service hangs."""
    health, active = _ask(sources.server, "/health"), _ask(sources.server, "/luna/active")
    situation = _situation(sources)
    setup = situation.hotspot if situation and situation.hotspot.up else None
    own = setup.address.partition("/")[0] if setup else ""
    watchdog = health.get("watchdog") or {}
    return Facts(
        name=_name(sources.root),
        places=tuple(place for place in reachable(sources.places()) if place.address != own),
        setup=_label(sources.root, setup.ssid, is_open=setup.open) if setup else None,
        setup_address=own,
        serving=bool(health),
        generating=active.get("active") is True,
        helpless=watchdog.get("state") == "helpless",
        model=active.get("model"),
        speed=_speed(health.get("generation_speed_tps")),
        imports=progress.told(sources.imports),
        admin_key=first_key.show(sources.root),
        problems=situation.problems if situation else (),
    )


def _ask(server: Client, path: str) -> dict[str, Any]:
    try:
        answer = server.get(path)
    except (ServerUnreachable, ServerFailed):
        return {}
    return answer if isinstance(answer, dict) else {}


def _situation(sources: Sources) -> Situation | None:
    try:
        return sources.situation()
    except LunaError:
        return None


def _name(root: Path) -> str:
    try:
        return read_identity(root=root).name
    except ConfigError:
        return "luna"


def _label(root: Path, ssid: bytes, *, is_open: bool) -> Label:
    """The network that is up; its passphrase may not be for this user to read."""
    name = ssid.decode("utf-8", "replace")
    try:
        return Label(name, "" if is_open else read_passphrase(root / "etc/luna" / LABEL_FILE))
    except ConfigError:
        return Label(name)


def _speed(told: object) -> str:
    """Tokens a second, as `/health` tells them; nothing before the first run."""
    return f"{told} tokens a second" if isinstance(told, str) and told != "0.00" else ""
