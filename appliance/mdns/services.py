"""What a Luna announces: service types, ports, and the facts in their TXT records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.errors import ConfigError
from appliance.settings import Settings
from appliance.system.identity import Identity

LUNA = "_luna._tcp.local."
_HTTP, _HTTPS = "_http._tcp.local.", "_https._tcp.local."
_OLLAMA, _SATURN = "_ollama._tcp.local.", "_saturn._tcp.local."
_OLLAMA_PORT = 11434
_TEXT_BYTES = 63  # of a value; ten of them stay below what a TXT record should have


@dataclass(frozen=True, slots=True)
class Service:
    """One service; `txt` in the order in which it is sent (RFC 6763, 6)."""

    type: str
    port: int
    txt: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of the device; `board` may be empty."""

    identity: Identity
    name: str
    version: str
    board: str
    setup: bool
    auth: bool = False


def services(settings: Settings, facts: Facts) -> tuple[Service, ...]:
    """Everything to announce by these settings; raises ConfigError without a fixed port."""
    server, mdns = settings.server, settings.mdns
    if server.port == 0:
        raise ConfigError("server.port 0 is any free port, which cannot be announced; choose one.")
    tls = server.tls_certificate is not None and server.tls_key is not None
    found = [Service(LUNA, server.port, _luna(facts, tls=tls, auth=facts.auth or mdns.auth))]
    if mdns.http:
        found.append(Service(_HTTPS if tls else _HTTP, server.port, (("path", "/"),)))
    if mdns.ollama:
        ports = [listener.port for listener in server.listeners]
        port = _OLLAMA_PORT if _OLLAMA_PORT in ports else server.port
        found.append(Service(_OLLAMA, port, (("version", _short(facts.version)),)))
    if mdns.saturn:
        found.append(Service(_SATURN, server.port, _saturn()))
    return tuple(found)


def types(announced: Sequence[Service]) -> tuple[str, ...]:
    """The types without their domain, as people write them."""
    return tuple(service.type.removesuffix(".local.") for service in announced)


def _luna(facts: Facts, *, tls: bool, auth: bool) -> tuple[tuple[str, str], ...]:
    return (
        ("txtvers", "1"),
        ("id", facts.identity.id),
        ("name", _short(facts.name)),
        ("ver", _short(facts.version)),
        ("api", "/v1"),
        ("path", "/luna"),
        ("tls", str(int(tls))),
        ("auth", str(int(auth))),
        ("setup", str(int(facts.setup))),
        ("md", _short(facts.board) or "computer"),
    )


def _saturn() -> tuple[tuple[str, str], ...]:
    """The keys are Saturn's own, its published discovery profile for language models."""
    return (
        ("version", "1"),
        ("api_type", "openai"),
        ("deployment", "local"),
        ("priority", "50"),
        ("features", "chat,tools"),
    )


def _short(text: str) -> str:
    printable = "".join(c for c in text if c.isprintable())
    return printable.encode()[:_TEXT_BYTES].decode("utf-8", "ignore")
