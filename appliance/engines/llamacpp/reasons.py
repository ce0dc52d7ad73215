"""Why a llama.cpp child ended, in a sentence with a remedy, from its output and exit status."""

from __future__ import annotations

import re
import signal

_KNOWN = (
    (r"launch: (?P<what>.*)", "The engine cannot be started: {what}."),
    (
        r"libgomp\.so\.1",
        "The CPU engine needs the system library libgomp1: sudo apt install libgomp1.",
    ),
    (
        r"No module named 'xllamacpp'|import failed",
        "The CPU engine's package xllamacpp cannot be imported; install Luna again with "
        "`make serve`, or set cpu_engine.llama_server to a llama-server program.",
    ),
    (
        r"unknown model architecture: '(?P<what>[^']*)'",
        "The model's architecture '{what}' is not known to this version of llama.cpp; choose "
        "another model, or set cpu_engine.llama_server to a newer llama-server.",
    ),
    (
        r"unable to allocate|failed to allocate|bad_alloc|Cannot allocate memory|"
        r"failed to create context",
        "There is not enough memory for this model; choose a smaller one, or lower "
        "cpu_engine.context or cpu_engine.slots.",
    ),
    (
        r"No space left on device",
        "The disk is full; remove a model with `luna models rm`, or free space otherwise.",
    ),
    (
        r"tensor '[^']*' data is not within the file bounds|corrupted or incomplete|"
        r"invalid magic|failed to read magic|not within file bounds",
        "The model file is damaged or incomplete; copy it again.",
    ),
    (
        r"error loading model[^:\n]*: (?P<what>.+)",
        "The model cannot be loaded ({what}); copy it again, or choose another.",
    ),
    (
        r"chat_templates_init: error: (?P<what>.+)",
        "The chat template cannot be used ({what}); correct it, or leave it out for the model's "
        "own.",
    ),
    (
        r"Permission denied",
        "The model file may not be read; give the user that runs Luna the right to read it.",
    ),
    (r"(?:error while handling argument|invalid argument:?)(?P<what>.*)", "llama-server: {what}."),
)
_LAST_ERRORS = re.compile(r"^(?:[\d.]+ )?(?:E |error|.*\berror\b|.*failed).*$", re.I | re.M)


def explain(output: str, status: int) -> str:
    """One or two sentences; `status` is the exit status as subprocess gives it."""
    for pattern, sentence in _KNOWN:
        if found := re.search(pattern, output):
            return sentence.format(**found.groupdict())
    if status == -signal.SIGILL:
        return (
            "This CPU lacks instructions that the engine was built with (AVX2 on x86-64); set "
            "cpu_engine.llama_server to a llama-server built for this machine."
        )
    if status == -signal.SIGKILL:
        return "The engine was killed, most likely because memory ran out; choose a smaller model."
    if status < 0:
        return f"The engine crashed ({_signal(-status)}).{_last(output)}"
    return f"The engine ended with status {status}.{_last(output)}"


def _signal(number: int) -> str:
    """The name of a signal; most of the real-time ones have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last(output: str) -> str:
    """The last line that looks like an error, without the log's own time stamps."""
    lines = [line.strip() for line in _LAST_ERRORS.findall(output)]
    return f" It said: {lines[-1][:300]}" if lines else ""
