"""What a model thinks, apart from what it says: `<think>` ... `</think>` at an answer's start."""

from __future__ import annotations

from enum import Enum, auto

from appliance.domain.events import Content, Reasoning
from appliance.domain.stops import overlap

OPEN, CLOSE = "<think>", "</think>"


def opens_reasoning(prompt: str) -> bool:
    """Whether a template has opened the tag in the prompt, as some do for models that think."""
    return prompt.rstrip().endswith(OPEN)


class _State(Enum):
    START = auto()
    THINKING = auto()
    THOUGHT = auto()  # behind the closing tag, before the answer
    ANSWER = auto()


class ReasoningSplitter:
    """Text in, thoughts and content out, the same for any cut of the text.

    `opened` says that the prompt has the opening tag; some models repeat it. A tag that is never
    closed makes the whole answer a thought. White space around the tags is layout and is not told.
    With `keep` all is content, tags included; an opening one from the prompt too, so that there is
    a pair.
    """

    def __init__(self, *, opened: bool = False, keep: bool = False) -> None:
        self._state = _State.START
        self._opened = opened
        self._keep = keep
        self._held = OPEN + "\n" if opened and keep else ""
        self._begun = False  # whether there was a thought that is more than white space

    @property
    def thinking(self) -> bool:
        """Whether the model is at its thoughts."""
        begun = self._state is _State.THINKING or (self._state is _State.START and self._opened)
        return begun and not self._keep

    def feed(self, text: str) -> list[Content | Reasoning]:
        """What is certain now."""
        text, self._held = self._held + text, ""
        if self._keep:
            return _told(Content, text)
        events: list[Content | Reasoning] = []
        if self._state is _State.START:
            text = self._start(text)
        if self._state is _State.THINKING:
            thought, text = self._thought(text)
            events += _told(Reasoning, thought)
        if self._state is _State.THOUGHT:
            text = text.lstrip()
            self._state = _State.ANSWER if text else _State.THOUGHT
        if self._state is _State.ANSWER:
            events += _told(Content, text)
        return events

    def finish(self) -> list[Content | Reasoning]:
        """What was held back and is more than layout."""
        held, self._held = self._held, ""
        if not self.thinking:
            return _told(Content, held)
        return _told(Reasoning, held.rstrip() if self._begun else held.strip())

    def _start(self, text: str) -> str:
        """Look for the opening tag; what is left is of the state that follows."""
        begin = text.lstrip()
        if begin.startswith(OPEN):
            self._state = _State.THINKING
            return begin[len(OPEN) :]
        if OPEN.startswith(begin):
            self._held = text
            return ""
        self._state = _State.THINKING if self._opened else _State.ANSWER
        return text

    def _thought(self, text: str) -> tuple[str, str]:
        """The thought that is certain, and what follows it if it has ended."""
        if not self._begun:
            text = text.lstrip()
        thought, close, rest = text.partition(CLOSE)
        if close:
            self._state = _State.THOUGHT
            return thought.rstrip(), rest
        safe = len(text[: len(text) - overlap(text, CLOSE)].rstrip())
        self._begun |= safe > 0
        self._held = text[safe:]
        return text[:safe], ""


def _told(kind: type[Content] | type[Reasoning], text: str) -> list[Content | Reasoning]:
    return [kind(text)] if text else []
