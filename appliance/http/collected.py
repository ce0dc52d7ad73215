"""A whole answer, put together from its events: for those who do not want a stream."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.domain.events import (
    Content,
    Event,
    Finish,
    Reasoning,
    TokenLogprob,
    ToolCallDelta,
)
from appliance.serving.answer import EventStream


@dataclass(slots=True)
class Collected:
    """One choice, put together from its events."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)  # id, name, arguments
    finish: Finish | None = None

    def add(self, event: Event) -> None:
        """Take one more event in."""
        match event:
            case Content():
                self.text.append(event.text)
                self.logprobs.extend(event.logprobs)
                self.tokens.extend(event.tokens)
            case Reasoning():
                self.reasoning.append(event.text)
            case ToolCallDelta():
                call = self.calls.setdefault(event.index, ["", "", ""])
                call[0] = event.id or call[0]
                call[1] = event.name or call[1]
                call[2] += event.arguments
            case Finish():
                self.finish = event


def collect(events: EventStream) -> dict[int, Collected]:
    """Every choice by its index; raises what the engine raises, and always closes the events."""
    choices: dict[int, Collected] = {}
    try:
        for item in events:
            choices.setdefault(item.index, Collected()).add(item.event)
    finally:
        events.close()
    return dict(sorted(choices.items()))
