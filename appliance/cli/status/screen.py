"""The screen: facts and a size in, lines out. Nothing that it shows can steer a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from appliance.cli.status.facts import Facts, State
from appliance.cli.terminal import harmless
from appliance.label.code import Modules, modules, wifi_text

_GAP = 3
_LEAST_TEXT = 30  # columns beside a code
_COLOURS = {
    State.SETUP: "\x1b[36m",
    State.ONLINE: "\x1b[32m",
    State.THINKING: "\x1b[35m",
    State.OFFLINE: "\x1b[33m",
    State.FAULT: "\x1b[31m",
}
_BOLD, _NORMAL = "\x1b[1m", "\x1b[0m"
_DARK_ON_LIGHT = "\x1b[30;107m"
# By the upper and the lower module, True for a dark one (Block Elements, U+2580 to U+2588).
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def render(facts: Facts, width: int, height: int, *, colours: bool) -> list[str]:
    """At most `height` lines of at most `width` columns; a QR code only where it has room."""
    code = _code(facts) if colours else ()
    across = len(code[0]) if code else 0
    head = _head(facts, width, colours=colours)
    room = height - len(head)
    if not code or (len(code) + 1) // 2 > room or width - across - _GAP < _LEAST_TEXT:
        return [*head, *_text(facts, width)][:height]
    left = [f"{_DARK_ON_LIGHT}{line}{_NORMAL}" for line in _halves(code)]
    right = _text(facts, width - across - _GAP)[:room]
    beside = zip_longest(left, right, fillvalue="")
    return [*head, *(f"{dots or ' ' * across}{' ' * _GAP}{text}".rstrip() for dots, text in beside)]


def _head(facts: Facts, width: int, *, colours: bool) -> list[str]:
    name, state = f"Luna  {' '.join(harmless(facts.name).split())}", facts.state.value
    title = f"{name[: max(0, width - len(state) - 1)]:<{max(0, width - len(state))}}{state}"[:width]
    if colours:
        end = max(0, len(title) - len(state))
        title = f"{_BOLD}{title[:end]}{_COLOURS[facts.state]}{title[end:]}{_NORMAL}"
    return [title, ("─" if colours else "-") * width]


def _text(facts: Facts, width: int) -> list[str]:
    indent = "  " if width > _LEAST_TEXT else ""
    lines: list[str] = []
    for paragraph in _paragraphs(facts):
        for number, sentence in enumerate(paragraph):
            hanging = indent if number else ""
            lines += textwrap.wrap(
                harmless(sentence), width, subsequent_indent=hanging, break_on_hyphens=False
            ) or [""]
        lines.append("")
    return lines[:-1]


def _paragraphs(facts: Facts) -> Iterator[Sequence[str]]:
    if not facts.serving:
        yield ("The server does not answer. It is started again by itself; if this stays:",)
        yield ("luna doctor",)
    if facts.setup is not None:
        yield (
            "Set it up: join this WiFi with your phone, or scan the code.",
            f"WiFi      {facts.setup.ssid}",
            f"Password  {facts.setup.passphrase or '(none)'}",
            f"Then      http://{facts.setup_address}",
        )
    if facts.urls:
        yield ("Open it in a browser:", *facts.urls)
    elif facts.setup is None:
        yield ("No network: plug in a cable, or wait for the setup network.",)
    if facts.model:
        yield (f"Model     {facts.model}", *([f"Speed     {facts.speed}"] if facts.speed else []))
    if facts.admin_key:
        yield ("Key for its administration, shown until it is set up; note it:", facts.admin_key)
    for each in facts.imports:
        share = f" {each.percent} %" if each.state == "copying" else ""
        yield (f"USB{share}: {each.message}", *each.problems)
    yield from ((problem,) for problem in facts.problems)


def _code(facts: Facts) -> Modules:
    if facts.setup is not None:
        return modules(wifi_text(facts.setup), quiet=2)
    return modules(facts.urls[0], quiet=2) if facts.urls else ()


def _halves(code: Modules) -> Iterator[str]:
    """Two rows of modules in a line, because characters are twice as high as wide."""
    light = (False,) * len(code[0])
    for upper, lower in zip_longest(code[::2], code[1::2], fillvalue=light):
        yield "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
