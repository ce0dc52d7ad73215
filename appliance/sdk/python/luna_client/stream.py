"""A generation that comes piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

from .answers import GenerateResponse
from .errors import ApiError, BadAnswer, ConnectionLost
from .events import events

Opened = AbstractContextManager[Iterable[bytes]]


class TokenStream(Iterator[str]):
    """The pieces of a text, as they are written; the request is sent with the first `next`.

    Close it, or leave its `with` block, to stop the generation on the device. It ends only when the
    text is whole; `completion` then has it all, with its figures. Raises LunaError.
    """

    def __init__(self, open: Callable[[], Opened]) -> None:
        self._completions: list[GenerateResponse] = []
        # Knows nothing of this object, so that the stream closes when the last name of it is gone.
        self._tokens = _tokens(open, self._completions)

    @property
    def completion(self) -> GenerateResponse | None:
        """The whole generation, once the stream has ended."""
        return self._completions[0] if self._completions else None

    def close(self) -> None:
        """Stop; nothing more will come."""
        self._tokens.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return next(self._tokens)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


def _tokens(
    open: Callable[[], Opened], completions: list[GenerateResponse]
) -> Generator[str, None, None]:
    with open() as pieces:
        for event in events(pieces):
            kind, data = _chunk(event)
            if kind == "token":
                yield str(data.get("token", ""))
            elif kind == "done":
                completions.append(data["completion"])
                return
            elif kind == "error":
                raise _failure(data)
    raise ConnectionLost("The answer ended before it was whole; ask again.")


def _chunk(event: bytes) -> tuple[Any, dict[str, Any]]:
    """Type and data of a chunk; types that are not known here are passed over."""
    try:
        chunk = json.loads(event)
        kind, data = chunk["type"], chunk["data"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadAnswer("The stream has an event that no Luna sends; check the address.") from error
    if not isinstance(data, dict) or (kind == "done" and "completion" not in data):
        raise BadAnswer("The stream has an event that no Luna sends; check the address.")
    return kind, data


def _failure(data: dict[str, Any]) -> ApiError:
    """The document's error is a sentence; a code beside it is ours."""
    return ApiError(str(data.get("error")), code=str(data.get("code") or "INFERENCE_ERROR"))
