"""The page as a document: self-contained, small, and the same for any name of a network."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.credentials import Security
from provisioning.portal.languages import Language, read_languages
from provisioning.portal.onboarding import Situation
from provisioning.portal.page import LARGEST, Pages
from provisioning.portal.place import Place
from provisioning.portal.rows import MOST, rows
from provisioning.results import Outcome, result
from provisioning.situation import State
from provisioning.survey import Network
from tests.provisioning.portal.pretence import NAME, NETWORKS, SETUP

LANGUAGES = read_languages()
ENGLISH = LANGUAGES.choose("en", "")
PAGES = Pages(Place(NAME, SETUP), LANGUAGES)
COUNTRIES = tuple(a + b for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
OUTSIDE = re.compile(r"(?:src|href|action|url)\s*[=(]\s*[\"']?(?:https?:)?//", re.IGNORECASE)


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text of style and script."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("style", "script"):
            self.texts.setdefault(self.found[-1][0], data)


def every_page(language: Language) -> list[bytes]:
    situation = Situation(State.HOTSPOT, NETWORKS, 60.0)
    failed = Situation(State.HOTSPOT, NETWORKS, 60.0, result=result(b"Home", Outcome.REFUSED))
    return [
        PAGES.choose(language, situation, COUNTRIES),
        PAGES.choose(language, failed, COUNTRIES),
        PAGES.choose(language, Situation(State.WAITING)),
        PAGES.joining(language, b"Home", stays=False),
        PAGES.joining(language, b"", stays=True),
        PAGES.joined(language, result(b"Home", Outcome.CONNECTED)),
        PAGES.done(language),
    ]


@pytest.mark.parametrize("language", LANGUAGES.all, ids=lambda each: each.tag)
def test_nothing_is_loaded_stored_or_opened(language: Language) -> None:
    for page in every_page(language):
        text = page.decode()
        assert not OUTSIDE.search(text)
        for word in ("localStorage", "sessionStorage", "cookie", "alert(", "window.open", "_blank"):
            assert word not in text
        assert "@import" not in text


def test_the_policy_allows_what_is_in_the_page_and_no_more() -> None:
    tags = Tags(PAGES.choose(ENGLISH, Situation(State.HOTSPOT, NETWORKS)))
    for kind in ("style", "script"):
        digest = hashlib.sha256(tags.texts[kind].encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in PAGES.policy
    for tag, attributes in tags.found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


@pytest.mark.parametrize("language", LANGUAGES.all, ids=lambda each: each.tag)
@pytest.mark.parametrize("security", [Security.PSK, Security.ENTERPRISE])
def test_no_list_makes_the_page_too_large(language: Language, security: Security) -> None:
    networks = tuple(Network(bytes([n, *[0] * 31]), security, 50, 2412, 0.0) for n in range(60))
    page = PAGES.choose(language, Situation(State.HOTSPOT, networks, 60.0), COUNTRIES)
    assert len(page) <= LARGEST
    listed = page.count(b'name="ssid"')
    assert listed == MOST or (security is Security.ENTERPRISE and listed > MOST // 2)


@given(st.binary(min_size=1, max_size=32))
def test_any_name_is_only_text(ssid: bytes) -> None:
    situation = Situation(
        State.HOTSPOT,
        (Network(ssid, Security.PSK, 50, 2412, 0.0),),
        result=result(ssid, Outcome.TIMED_OUT),
    )
    plain = Situation(
        State.HOTSPOT,
        (Network(b"a", Security.PSK, 50, 2412, 0.0),),
        result=result(b"a", Outcome.TIMED_OUT),
    )
    page, same = Tags(PAGES.choose(ENGLISH, situation)), Tags(PAGES.choose(ENGLISH, plain))
    assert [tag for tag, _ in page.found] == [tag for tag, _ in same.found]
    sent = [each["value"] for tag, each in page.found if each.get("name") == "ssid"]
    assert sent == [ssid.hex()]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (None, "Not searched yet"),
        (0.0, "Searched just now"),
        (59.0, "just now"),
        (150.0, "Searched 2 min"),
    ],
)
def test_the_age_of_the_list_is_told(age: float | None, words: str) -> None:
    page = PAGES.choose(ENGLISH, Situation(State.HOTSPOT, NETWORKS, age))
    assert words in page.decode()


def test_the_chosen_network_is_first_and_open_and_dead_ends_are_last() -> None:
    made = rows([NETWORKS[-1], *NETWORKS[:-1]], b"eduroam", None)
    assert (made[0].name, made[-1].name) == ("eduroam", "Museum")
    assert [row.open for row in made] == [True] + [False] * (len(made) - 1)


@pytest.mark.parametrize(
    ("strength", "level"), [(-5, 1), (0, 1), (24, 1), (25, 2), (50, 3), (75, 4), (100, 4), (255, 4)]
)
def test_strength_has_four_levels(strength: int, level: int) -> None:
    (row,) = rows([Network(b"a", Security.PSK, strength, 2412, 0.0)], None, None)
    assert row.level == level
