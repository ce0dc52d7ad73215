"""The route table: what the application serves and what `/openapi.json` says are the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from appliance.http.errors import OPENAI, ErrorShape
from appliance.http.exchange import Reply, Request

Handler = Callable[[Request], Reply]
Framing = Literal["data", "bare", "named", "lines"]
Access = Literal["key", "open", "admin", "own"]
RateClass = Literal["inference", "administration", "other", "generate", "status", "browser", "log"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, or a field of the query string; `schema` is what msgspec can describe."""

    name: str
    description: str
    schema: Any = str
    example: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What the documents say of a route; `body`, `answer` and `event` are msgspec types.

    `event` is what each event of a stream carries, where the answer can be one. Its `framing` is
    server-sent events up to `[DONE]` ("data"), without that end ("bare"), such events with names
    ("named"), or JSON in lines.
    `accepted` says what the status 202 means, where there is one, `known` what 208 does. A
    `socket` is a WebSocket, whose success is the status 101. `statuses` are the failures besides
    those that every route may have. `examples` are bodies by their title.
    """

    summary: str
    tag: str
    body: Any = None
    answer: Any = None
    description: str = ""
    event: Any = None
    framing: Framing = "data"
    body_required: bool = True
    accepted: str = ""
    known: str = ""
    statuses: tuple[int, ...] = ()
    path: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    content_types: tuple[str, ...] = ("application/json",)
    socket: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path with `{name}` parts; `{name:path}` takes slashes too.

    `access` says who may ask: everybody ("open"), who has a key once there are keys for inference
    ("key"), who administers the device ("admin"), or whom the handler lets ("own"). What `changes`
    something, or is for administrators, is not for web pages of elsewhere, with GET neither.
    """

    method: str
    path: str
    handler: Handler
    operation: Operation
    error: ErrorShape = field(default=OPENAI, compare=False)
    access: Access = "key"
    changes: bool = False
    rate: RateClass | None = None

    @property
    def rate_class(self) -> RateClass:
        """Whose limit of requests a minute counts: the named one, else that of its kind."""
        if self.rate is not None:
            return self.rate
        if self.access == "admin":
            return "administration"
        return "inference" if self.method == "POST" else "other"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parts of the path."""
        return tuple(re.findall(r"{(\w+)(?::path)?}", self.path))

    @property
    def public_path(self) -> str:
        """The path as documents write it."""
        return self.path.replace(":path}", "}")
