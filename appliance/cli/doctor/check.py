"""One finding, and how checks are run so that none of them can hang the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

_log = logging.getLogger(__name__)
_REMEDY = "Run `luna doctor` again; if it stays, look into the system's log: journalctl -b"


class Level(StrEnum):
    """How bad it is; only a problem keeps Luna from its work."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence` says what is, `remedy` what to do: a command or a setting, "" if all is well."""

    name: str
    level: Level
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Looks at one thing; `seconds` is how long it may take."""

    name: str
    look: Callable[[], Finding]
    seconds: float = 10.0


def ok(name: str, sentence: str) -> Finding:
    """Nothing to do."""
    return Finding(name, Level.OK, sentence)


def warning(name: str, sentence: str, remedy: str) -> Finding:
    """Luna works, but not as well as it could."""
    return Finding(name, Level.WARNING, sentence, remedy)


def problem(name: str, sentence: str, remedy: str) -> Finding:
    """Luna, or a part of it, does not work."""
    return Finding(name, Level.PROBLEM, sentence, remedy)


def run_all(checks: Iterable[Check]) -> list[Finding]:
    """The finding of each check, in order; one that takes too long is left behind."""
    return [_run_one(check) for check in checks]


def _run_one(check: Check) -> Finding:
    found: list[Finding] = []

    def look() -> None:
        try:
            found.append(check.look())
        except Exception as error:  # outermost loop
            _log.debug("the check %s failed", check.name, exc_info=True)
            said = str(error) or type(error).__name__
            found.append(problem(check.name, f"This could not be checked: {said}", _REMEDY))

    # A daemon: a file system that does not answer must not keep the command from ending.
    thread = threading.Thread(target=look, name=f"luna-doctor-{check.name}", daemon=True)
    thread.start()
    thread.join(check.seconds)
    if found:
        return found[0]
    sentence = f"The check did not end within {check.seconds:.0f} s."
    return problem(check.name, sentence, _REMEDY)
