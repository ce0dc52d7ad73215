"""The setup page: one self-contained document for each thing that there is to say.

Nothing is loaded from anywhere, nothing is stored, and every form works without JavaScript.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from provisioning.credentials import printable
from provisioning.portal import code
from provisioning.portal.forms import Entry
from provisioning.portal.languages import Language, Languages
from provisioning.portal.onboarding import Situation
from provisioning.portal.place import Place
from provisioning.portal.rows import rows
from provisioning.results import Result

TEMPLATES = Path(__file__).with_name("templates")
LARGEST = 60_000


@dataclass(frozen=True, slots=True)
class _Trouble:
    title: Markup
    remedy: str


@dataclass(frozen=True, slots=True)
class _Typed:
    """A network whose name was typed: what the form for it shows again."""

    name: str
    entry: Entry


class Pages:
    """Renders every page as UTF-8 of at most LARGEST bytes.

    `policy` is the Content-Security-Policy for all of them. `key` gives the owner's key for
    administration until it was seen, then "".
    """

    def __init__(
        self,
        place: Place,
        languages: Languages,
        folder: Path = TEMPLATES,
        key: Callable[[], str] = str,
    ) -> None:
        self._place = place
        self._languages = languages
        self._key = key
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = (folder / "style.css").read_text("utf-8")
        self._script = (folder / "script.js").read_text("utf-8")
        self._code = code.svg(place.next)
        self.policy = _policy(self._style, self._script)

    def choose(
        self,
        language: Language,
        situation: Situation,
        countries: Sequence[str] = (),
        entry: Entry | None = None,
        mistake: str = "",
    ) -> bytes:
        """The list of networks.

        `entry` is a form to be corrected, `mistake` a key of "error" in the languages for what is
        wrong beyond a form; without either the last result is told, if it was a bad one.
        """
        trouble = None
        chosen = entry.ssid if entry and not entry.hidden else None
        if mistake:
            trouble = _Trouble(escape(language.texts[f"error.{mistake}"]), "")
        elif entry is None and situation.result and not situation.result.good:
            trouble = _told(language, situation.result)
            chosen = situation.result.ssid
        listed = rows(situation.networks, chosen, entry)
        values = {
            "typed": entry
            and entry.hidden
            and _Typed(entry.ssid.decode("utf-8", "replace"), entry),
            "trouble": trouble,
            "searched": _searched(language, situation.age),
            "stays": situation.stays,
            "countries": countries,
            "country": situation.country,
        }
        phase = "trouble" if trouble else "choose"
        while True:
            page = self._render("choose", language, phase, rows=listed, **values)
            if len(page) <= LARGEST or not listed:
                return page
            listed.pop()  # the weakest; it can still be joined by its name

    def joining(self, language: Language, ssid: bytes, *, stays: bool) -> bytes:
        """What happens now, sent before it does."""
        name = printable(ssid)
        return self._render("joining", language, "joining", name=name, stays=stays)

    def joined(self, language: Language, result: Result) -> bytes:
        """It worked, and where to go next."""
        numeric = next((each.partition("/")[0] for each in result.addresses), "")
        return self._render(
            "joined",
            language,
            "joined",
            name=printable(result.ssid),
            numeric=f"http://{numeric}/" if numeric else "",
        )

    def done(self, language: Language) -> bytes:
        """The last page."""
        return self._render("done", language, "done")

    def _render(self, kind: str, language: Language, phase: str, **values: Any) -> bytes:
        def text(key: str, **places: str) -> str:
            return language.texts[key].format(**places)

        def say(key: str, **places: str) -> Markup:
            return _say(language, key, **places)

        template = self._environment.get_template(f"{kind}.html.j2")
        rendered = template.render(
            values,
            language=language,
            languages=self._languages.all,
            place=self._place,
            phase=phase,
            style=Markup(self._style),
            script=Markup(self._script),
            code=self._code,
            key=self._key(),
            text=text,
            say=say,
        )
        return rendered.encode("utf-8", "replace")


def _say(language: Language, key: str, **places: str) -> Markup:
    """A text with names in it, each kept apart from the direction of the text around it."""
    isolated = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in places.items()}
    return escape(language.texts[key]).format(**isolated)


def _told(language: Language, result: Result) -> _Trouble:
    key = f"outcome.{result.outcome}"
    title = _say(language, f"{key}.title", name=printable(result.ssid))
    return _Trouble(title, language.texts[f"{key}.remedy"])


def _searched(language: Language, age: float | None) -> str:
    if age is None:
        return language.texts["choose.searched_never"]
    minutes = int(age // 60)
    if minutes < 1:
        return language.texts["choose.searched_now"]
    return language.texts["choose.searched"].format(minutes=minutes)


def _policy(style: str, script: str) -> str:
    """Only what is in the page itself; a name of a network could not smuggle in anything."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
