"""Secrets have no place in a log: what looks like one is hidden, wherever it came from."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
_NAMES = (
    r"authorization|x-api-key|api[-_ ]?key|access[-_]?token|token|password|passwd|passphrase|psk|"
    r"secret|cookie"
)
_PATTERNS = (
    # `Authorization: Bearer abc`, `"password": "abc"`, `?api_key=abc`
    re.compile(
        rf"(?P<kept>\b(?:{_NAMES})\b[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|"
        r"(?:(?:bearer|basic)\s+)?[^\s\"',;&}\])]+)",
        re.I,
    ),
    re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}", re.I),
    # Keys that say themselves what they are: of model hubs, of OpenAI's clients, of this device.
    re.compile(r"(?P<kept>\b(?:hf_|sk-|luna[-_]))[A-Za-z0-9_-]{16,}"),
    # `https://user:password@host`
    re.compile(r"(?P<kept>://[^/\s:@]*:)[^/\s@]+(?=@)"),
)


def redacted(text: str) -> str:
    """The text with `[hidden]` in the place of each secret."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<kept>{HIDDEN}", text)
    return text
