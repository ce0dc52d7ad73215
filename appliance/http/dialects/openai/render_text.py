"""Events as the bodies and chunks of the older text completion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import UNSET

from appliance.domain import sse
from appliance.domain.events import Content, Finish, TokenLogprob
from appliance.http.collected import Collected
from appliance.http.dialects.openai import answers
from appliance.http.dialects.openai.render import Head, finishes, stream, usage
from appliance.serving.answer import ChoiceEvent, EventStream

_encode = msgspec.json.Encoder().encode


def text_completion(
    head: Head, choices: Mapping[int, Collected], echoes: Sequence[str], n: int
) -> answers.TextCompletion:
    """The whole answer; `echoes` is the text to put before each prompt's choices."""
    return answers.TextCompletion(
        id=head.id,
        created=head.created,
        model=head.model,
        choices=[_choice(index, each, echoes[index // n]) for index, each in choices.items()],
        usage=usage(finishes(choices), n),
        system_fingerprint=head.fingerprint,
    )


class TextStream:
    """Chunks of a text completion, each a whole server-sent event."""

    def __init__(
        self, head: Head, events: EventStream, echoes: Sequence[str], n: int, *, with_usage: bool
    ) -> None:
        self._head = head
        self._events = events
        self._echoes = echoes
        self._n = n
        self._with_usage = with_usage
        self._sent: dict[int, int] = {}  # characters by choice, for the offsets of logprobs

    def close(self) -> None:
        """Stop the generation if it still runs."""
        self._events.close()

    def __iter__(self) -> Iterator[bytes]:
        return stream(self._events, self._pieces, self._last)

    def _pieces(self, item: ChoiceEvent, *, first: bool) -> Iterator[bytes]:
        index, echo = item.index, self._echoes[item.index // self._n]
        if first:
            self._sent[index] = len(echo)
            if echo:
                yield self._chunk(answers.TextChoice(index, echo))
        match item.event:
            case Content(text, tokens):
                logprobs = _logprobs(tokens, self._sent[index])
                self._sent[index] += len(text)
                yield self._chunk(answers.TextChoice(index, text, logprobs))
            case Finish(reason):
                yield self._chunk(answers.TextChoice(index, "", finish_reason=reason))

    def _last(self, ends: Mapping[int, Finish]) -> Iterator[bytes]:
        if self._with_usage:
            yield self._chunk(None, usage(ends, self._n))

    def _chunk(
        self, choice: answers.TextChoice | None, counts: answers.UsageBody | None = None
    ) -> bytes:
        chunk = answers.TextCompletion(
            id=self._head.id,
            created=self._head.created,
            model=self._head.model,
            choices=[] if choice is None else [choice],
            usage=counts if self._with_usage else UNSET,
            system_fingerprint=self._head.fingerprint,
        )
        return sse.encode(_encode(chunk))


def _choice(index: int, choice: Collected, echo: str) -> answers.TextChoice:
    return answers.TextChoice(
        index=index,
        text=echo + "".join(choice.text),
        logprobs=_logprobs(choice.logprobs, len(echo)),
        finish_reason=choice.finish.reason if choice.finish else "stop",
    )


def _logprobs(tokens: Sequence[TokenLogprob], offset: int) -> answers.TextLogprobs | None:
    if not tokens:
        return None
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    return answers.TextLogprobs(
        tokens=[token.token for token in tokens],
        token_logprobs=[token.logprob for token in tokens],
        top_logprobs=[{top.token: top.logprob for top in token.top} for token in tokens],
        text_offset=offsets,
    )
