"""The page speaks the phone's language, and every language says the same."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ConfigError
from provisioning.portal.languages import FOLDER, Language, read_languages
from provisioning.results import Outcome

LANGUAGES = read_languages()
ENGLISH = LANGUAGES.choose("en", "")


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield prefix + key, value
        else:
            yield from flat(value, f"{prefix}{key}.")


@pytest.mark.parametrize(
    ("wanted", "accepted", "tag"),
    [
        ("", "", "en"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "fr-FR, fr;q=0.9, es;q=0.5, en;q=0.4", "es"),
        ("", "en;q=0.3, de;q=0.7", "de"),
        ("", "de;q=0, es", "es"),
        ("", "zh-CN", "zh-Hans"),
        ("", "zh-Hant-TW", "zh-Hans"),
        ("", "fr", "en"),
        ("", "*", "en"),
        ("es", "de", "es"),
        ("ZH-HANS", "de", "zh-Hans"),
        ("../en", "de", "de"),
    ],
)
def test_a_language_is_chosen(wanted: str, accepted: str, tag: str) -> None:
    assert LANGUAGES.choose(wanted, accepted).tag == tag


@given(st.text(), st.text())
def test_any_field_can_be_read(wanted: str, accepted: str) -> None:
    assert LANGUAGES.choose(wanted, accepted) in LANGUAGES.all


def test_english_comes_first() -> None:
    assert [language.name for language in LANGUAGES.all] == [
        "English",
        "Deutsch",
        "Español",
        "中文",
    ]


@pytest.mark.parametrize("language", LANGUAGES.all, ids=lambda each: each.tag)
def test_every_language_is_complete(language: Language) -> None:
    alone = (FOLDER / f"{language.tag}.toml").read_text("utf-8")
    own = dict(flat(tomllib.loads(alone)))
    assert own.keys() == ENGLISH.texts.keys()
    for key, text in own.items():
        assert text.strip() == text != ""
        assert places(text) == places(ENGLISH.texts[key]), key


def test_every_outcome_has_a_title_and_a_remedy() -> None:
    for outcome in set(Outcome) - {Outcome.CONNECTED}:
        assert {f"outcome.{outcome}.title", f"outcome.{outcome}.remedy"} <= ENGLISH.texts.keys()


def test_a_language_is_added_as_a_file(tmp_path: Path) -> None:
    for file in FOLDER.glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "fr.toml").write_text('language = "Français"\n[choose]\nconnect = "Connecter"\n')
    french = read_languages(tmp_path).choose("", "fr-CA")
    assert french.name == "Français"
    assert french.texts["choose.connect"] == "Connecter"
    assert french.texts["choose.rescan"] == ENGLISH.texts["choose.rescan"]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text("language = ")
    with pytest.raises(ConfigError, match=r"en\.toml"):
        read_languages(tmp_path)
    with pytest.raises(ConfigError, match=r"no en\.toml"):
        read_languages(tmp_path / "nowhere")
