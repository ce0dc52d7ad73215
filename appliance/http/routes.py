"""The route table: what the application serves and what `/openapi.json` says are the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance.errors import LunaError
from appliance.http.exchange import Reply, Request

Handler = Callable[[Request], Reply]
ErrorRenderer = Callable[[LunaError, str], Reply]


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter in the query string."""

    name: str
    description: str
    schema: type = str


@dataclass(frozen=True, slots=True)
class Operation:
    """What the documents say of a route; `body` and `answer` are msgspec types."""

    summary: str
    tag: str
    body: Any = None
    answer: Any = None
    description: str = ""
    streams: bool = False
    statuses: tuple[int, ...] = ()
    query: tuple[Query, ...] = ()
    example: Any = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path with `{name}` parts; `{name:path}` takes slashes too."""

    method: str
    path: str
    handler: Handler
    operation: Operation
    error: ErrorRenderer | None = field(default=None, compare=False)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parts of the path."""
        return tuple(re.findall(r"{(\w+)(?::path)?}", self.path))

    @property
    def public_path(self) -> str:
        """The path as documents write it."""
        return self.path.replace(":path}", "}")
