"""`context` of /api/generate: what was said so far, as numbers that mean nothing to a client.

Ollama gives tokens. These are the bytes of the turns as JSON: they outlive a change of the model,
and the next request is rendered by the chat template as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from appliance.domain.messages import Message, Role
from appliance.errors import BadRequest

_Turn = tuple[Literal["system", "user", "assistant"], str]


def encode(messages: Sequence[Message], answer: str) -> list[int]:
    """All turns and the answer to the last one."""
    turns = [(str(message.role), message.content) for message in messages]
    return list(msgspec.json.encode([*turns, ("assistant", answer)]))


def decode(context: Sequence[int]) -> tuple[Message, ...]:
    """The turns; raises BadRequest for numbers that this server did not give."""
    if not context:
        return ()
    try:
        turns = msgspec.json.decode(bytes(context), type=list[_Turn])
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest(
            "Invalid value for 'context': it is not of an answer of this server; leave it out.",
            param="context",
        ) from error
    return tuple(Message(Role(role), text) for role, text in turns)
