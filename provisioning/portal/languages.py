"""The page's words: one TOML file a language, whose name is its BCP 47 tag; English is complete."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import ConfigError

FOLDER = Path(__file__).with_name("languages")
DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """`texts` are by the dotted keys of the file; some have `{places}` for str.format."""

    tag: str
    texts: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return self.texts["language"]


class Languages:
    """Every language of the page, English first and then by their tags."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self._by_tag = {language.tag.lower(): language for language in languages}
        self._fallback = self._by_tag[DEFAULT]
        self.all = tuple(sorted(languages, key=lambda each: (each.tag != DEFAULT, each.tag)))

    def choose(self, wanted: str, accepted: str) -> Language:
        """The language that was asked for by its tag, or else the best of an Accept-Language.

        A regional variant is as good as its language (RFC 4647, lookup), and any Chinese as any
        other: better another script than another language.
        """
        for tag in (wanted, *_preferred(accepted)):
            if found := self._find(tag.lower()):
                return found
        return self._fallback

    def _find(self, tag: str) -> Language | None:
        while tag:
            if tag in self._by_tag:
                return self._by_tag[tag]
            shorter = tag.rpartition("-")[0]
            if not shorter:
                break
            tag = shorter
        same = (each for key, each in self._by_tag.items() if key.partition("-")[0] == tag)
        return next(same, None) if tag else None


def read_languages(folder: Path = FOLDER) -> Languages:
    """Every language in `folder`; what one of them lacks is in English."""
    texts = {file.stem: _read(file) for file in sorted(folder.glob("*.toml"))}
    if DEFAULT not in texts:
        raise ConfigError(f"{folder} has no {DEFAULT}.toml; install Luna again.")
    return Languages([Language(tag, texts[DEFAULT] | own) for tag, own in texts.items()])


def _read(file: Path) -> dict[str, str]:
    try:
        return dict(_flat(tomllib.loads(file.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as TOML in UTF-8: {error}.") from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


def _preferred(accepted: str) -> list[str]:
    """Tags of an Accept-Language field, the most wanted first (RFC 9110, 12.5.4)."""
    weighed: list[tuple[float, int, str]] = []
    for item in accepted[:500].split(","):
        tag, _, parameters = item.strip().partition(";")
        weight = parameters.strip().removeprefix("q=").strip() or "1"
        try:
            quality = float(weight)
        except ValueError:
            continue
        if tag and quality > 0:
            weighed.append((-quality, len(weighed), tag.strip()))
    return [tag for _, _, tag in sorted(weighed)]
