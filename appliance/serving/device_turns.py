"""A chat turn in which the server runs the device's own tools between the model's answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from appliance.domain.cancel import CancelToken
from appliance.domain.events import Content, Event, Finish, ToolCallDelta, Usage
from appliance.domain.messages import Message, Role, ToolCall, ToolDefinition
from appliance.domain.requests import ChatRequest, ToolChoice
from appliance.serving.toolbox import Toolbox, ToolFailed

_log = logging.getLogger(__name__)

Ask = Callable[[ChatRequest, CancelToken], Iterator[Event]]


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: str


class _Turn:
    """One answer of the model: what is the client's passes through, device calls are kept."""

    def __init__(self, device_tools: frozenset[str]) -> None:
        self._device_tools = device_tools
        self._calls: dict[int, _Call] = {}
        self._client_indices: dict[int, int] = {}
        self._text: list[str] = []
        self.finish: Finish | None = None

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield the events that are the client's business."""
        for event in events:
            if isinstance(event, Finish):
                self.finish = event
            elif isinstance(event, ToolCallDelta):
                passed = self._keep(event)
                if passed is not None:
                    yield passed
            else:
                if isinstance(event, Content):
                    self._text.append(event.text)
                yield event

    def device_calls(self) -> list[_Call]:
        """The calls for the server to run; none if the client has calls to answer as well."""
        return [] if self._client_indices else list(self._calls.values())

    def message(self) -> Message:
        """The model's turn, as the next request tells it."""
        calls = tuple(ToolCall(c.id, c.name, c.arguments) for c in self._calls.values())
        return Message(Role.ASSISTANT, "".join(self._text), tool_calls=calls)

    def _keep(self, delta: ToolCallDelta) -> ToolCallDelta | None:
        if delta.name is not None and delta.name in self._device_tools:
            self._calls[delta.index] = _Call(delta.id or "", delta.name, "")
        if delta.index in self._calls:
            self._calls[delta.index].arguments += delta.arguments
            return None
        own = self._client_indices.setdefault(delta.index, len(self._client_indices))
        return replace(delta, index=own)


def run(
    request: ChatRequest, ask: Ask, toolbox: Toolbox, rounds: int, cancel: CancelToken
) -> Generator[Event]:
    """Ask, run the device tools that were called, ask again: at most `rounds` times.

    The last round offers no device tools, so that it ends with an answer.
    """
    used = Usage()
    for left in range(rounds, -1, -1):
        turn = _Turn(request.device_tools)
        yield from turn.watch(ask(request, cancel))
        if turn.finish is None:
            return
        used += turn.finish.usage
        calls = turn.device_calls() if left else []
        if not calls:
            yield replace(turn.finish, usage=used)
            return
        results = tuple(_result(toolbox, call) for call in calls)
        cancel.check()
        request = replace(
            request,
            messages=(*request.messages, turn.message(), *results),
            tool_choice=ToolChoice(),
            tools=request.tools if left > 1 else _clients_own(request),
        )


def _result(toolbox: Toolbox, call: _Call) -> Message:
    try:
        text = toolbox.run(call.name, call.arguments)
    except ToolFailed as error:
        _log.warning("device tool %s failed: %s", call.name, error)
        text = str(error)
    return Message(Role.TOOL, text, tool_call_id=call.id, name=call.name)


def _clients_own(request: ChatRequest) -> tuple[ToolDefinition, ...]:
    return tuple(tool for tool in request.tools if tool.name not in request.device_tools)
