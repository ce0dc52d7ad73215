"""How much of a prompt stays the same when another question is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.domain.messages import Message, Role

# Two questions without a common first character: what both prompts begin with is no question's.
_PROBES = ("0", "Z")


def stable_prefix(
    render: Callable[[Sequence[Message]], Sequence[int]],
    messages: Sequence[Message],
    tokens: Sequence[int],
) -> tuple[int, ...]:
    """The first of `tokens` that system messages, tools and the template alone decide.

    `render` makes tokens of a conversation exactly as it made `tokens` of `messages`. That works
    for every template, wherever it puts the tools.
    """
    system = []
    for message in messages:
        if message.role is not Role.SYSTEM:
            break
        system.append(message)
    size = len(tokens)
    for probe in _PROBES:
        size = common_prefix(tokens[:size], render([*system, Message(Role.USER, probe)]))
    return tuple(tokens[:size])


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
