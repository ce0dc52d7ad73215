"""Stop strings: the answer ends before the one that is complete first, however it was cut."""

from __future__ import annotations


class StopScanner:
    """Lets text through, but holds back an end that may be the start of a stop string.

    Of stop strings that overlap, the one that is complete first counts, as if each character came
    alone; of those that are complete at once, the longest. `word` is the one that was met.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False
        self.word = ""

    def feed(self, text: str) -> str:
        """The text that is safe to show; after a stop string was met, always empty."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            end, start = min(found)
            self.word = text[start:end]
            return text[:start]
        keep = max((overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def close(self) -> str:
        """What was held back and turned out to be no stop string."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, stop: str) -> int:
    """How long the longest end of `text` is that begins `stop` without completing it."""
    start = max(0, len(text) - len(stop) + 1)
    while (start := text.find(stop[0], start)) >= 0:
        if stop.startswith(text[start:]):
            return len(text) - start
        start += 1
    return 0
