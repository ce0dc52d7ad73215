"""What to forget of a conversation that has grown too long."""

from __future__ import annotations

from dataclasses import replace

from appliance.domain.messages import Role
from appliance.domain.requests import ChatRequest
from appliance.errors import ContextTooLong


def shortened(request: ChatRequest, error: ContextTooLong) -> ChatRequest | None:
    """The request without its oldest turns, about as many as were too much; None if none is left.

    What the system says first stays, and so does all from the last turn of the user on.
    """
    said = request.messages
    users = [index for index, message in enumerate(said) if message.role is Role.USER]
    begin = next((i for i, message in enumerate(said) if message.role is not Role.SYSTEM), 0)
    sizes = [1 + len(message.content) for message in said]
    share = 1 - error.context / error.prompt_tokens if error.prompt_tokens else 0.0
    for cut in (index for index in users if index > begin):
        if sum(sizes[begin:cut]) >= share * sum(sizes) or cut == users[-1]:
            return replace(request, messages=(*said[:begin], *said[cut:]))
    return None
