"""The portal as a WSGI application (PEP 3333): probes, pages and forms."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from appliance.errors import LunaError
from provisioning.credentials import printable
from provisioning.portal.forms import BadForm, Mistake, fields, read_join
from provisioning.portal.key import OwnerKey
from provisioning.portal.languages import Language, Languages
from provisioning.portal.onboarding import Onboarding, Situation
from provisioning.portal.page import Pages
from provisioning.portal.place import Place, split_authority
from provisioning.portal.probes import Answer, find, redirect
from provisioning.portal.visitors import Visitors
from provisioning.situation import State

# Seconds that the page, which tells what will happen, has to arrive before the network goes.
HEAD_START = 3.0
LONGEST_BODY = 8192
_FORM = "application/x-www-form-urlencoded"

_log = logging.getLogger(__name__)


class Site:
    """Answers phones on the setup network; safe for many threads.

    Every name leads here by DNS, so a request for a foreign host is a probe or a lost browser.
    """

    def __init__(
        self,
        onboarding: Onboarding,
        place: Place,
        languages: Languages,
        visitors: Visitors | None = None,
        key: OwnerKey | None = None,
    ) -> None:
        self._onboarding = onboarding
        self._place = place
        self._languages = languages
        self._visitors = visitors or Visitors()
        self._key = key or OwnerKey()
        self._pages = Pages(place, languages, key=self._key.show)
        self._forms: Mapping[str, Callable[[str, Language, Mapping[str, bytes]], Answer]] = {
            "/join": self._join,
            "/rescan": self._rescan,
            "/country": self._set_country,
            "/done": self._finish,
        }

    def __call__(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        answer = self._answer(environ)
        headers = [("Cache-Control", "no-store"), *answer.fields]
        if answer.kind:
            headers += [("Content-Type", answer.kind), ("X-Content-Type-Options", "nosniff")]
        if answer.status != HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: Mapping[str, Any]) -> Answer:
        caller, host = environ["REMOTE_ADDR"], environ.get("HTTP_HOST", "")
        if not self._place.admits(caller):
            return _sentence(403, f"This page is for phones on {self._place.network}.")
        reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        if self._place.is_home(host):
            return self._read(environ) if reads else self._write(environ)
        if not reads:
            return _sentence(511, f"Open {self._place.home} in a browser first.")
        agent = environ.get("HTTP_USER_AGENT", "")
        probe = find(split_authority(host)[0], environ["PATH_INFO"], agent)
        if probe and self._visitors.is_released(caller):
            return probe.online
        return redirect(self._place.home)

    def _read(self, environ: Mapping[str, Any]) -> Answer:
        if environ["PATH_INFO"] == "/state":
            return _state(self._onboarding.situation())
        if environ["PATH_INFO"] != "/":
            return redirect(self._place.home)
        asked: dict[str, str] = {}
        with suppress(ValueError):
            asked = dict(parse_qsl(environ["QUERY_STRING"], max_num_fields=8))
        language = self._language(environ, asked.get("lang", ""))
        situation = self._onboarding.situation()
        view = _view(situation)
        if view == "joining" and situation.joining is not None:
            return self._page(
                self._pages.joining(language, situation.joining, stays=situation.stays)
            )
        if view == "joined" and situation.result and "again" not in asked:
            return self._page(self._pages.joined(language, situation.result))
        return self._choose(language, situation)

    def _write(self, environ: Mapping[str, Any]) -> Answer:
        origin, referer = environ.get("HTTP_ORIGIN"), environ.get("HTTP_REFERER")
        form = self._forms.get(environ["PATH_INFO"])
        if form is None or environ["REQUEST_METHOD"] != "POST":
            return _sentence(405, "Nothing here takes that; open the page and use its forms.")
        if not self._place.sent_by_page(environ["HTTP_HOST"], origin, referer):
            return _sentence(403, f"Use the form at {self._place.home}.")
        language = self._language(environ, "")
        try:
            sent = _body(environ)
            language = self._language(environ, sent.get("lang", b"").decode("ascii", "replace"))
            return form(environ["REMOTE_ADDR"], language, sent)
        except Mistake as mistake:
            page = self._pages.choose(
                language, self._onboarding.situation(), self._onboarding.countries(), mistake.entry
            )
            return self._page(page, 400)
        except BadForm:
            return self._choose(language, self._onboarding.situation(), "form", 400)
        except LunaError as error:
            _log.warning("A phone's wish cannot be met: %s", error)
            return self._choose(language, self._onboarding.situation(), "busy", 503)

    def _join(self, _: str, language: Language, sent: Mapping[str, bytes]) -> Answer:
        credentials = read_join(sent)
        _log.info("A phone asks to join %s", printable(credentials.ssid))
        self._onboarding.join(credentials, HEAD_START)
        stays = self._onboarding.situation().stays
        return self._page(self._pages.joining(language, credentials.ssid, stays=stays))

    def _rescan(self, _: str, language: Language, __: Mapping[str, bytes]) -> Answer:
        self._onboarding.rescan()
        return self._back(language)

    def _set_country(self, _: str, language: Language, sent: Mapping[str, bytes]) -> Answer:
        country = sent.get("country", b"").decode("ascii", "replace")
        if country and country not in self._onboarding.countries():
            raise BadForm(f"no country is called {country!r}")
        if country:
            self._onboarding.set_country(country)
        return self._back(language)

    def _finish(self, caller: str, language: Language, _: Mapping[str, bytes]) -> Answer:
        self._visitors.release(caller)
        page = self._page(self._pages.done(language))
        self._key.seen()
        return page

    def _choose(
        self, language: Language, situation: Situation, mistake: str = "", status: int = 200
    ) -> Answer:
        page = self._pages.choose(
            language, situation, self._onboarding.countries(), mistake=mistake
        )
        return self._page(page, status)

    def _page(self, page: bytes, status: int = 200) -> Answer:
        security = (
            ("Content-Security-Policy", self._pages.policy),
            ("Referrer-Policy", "same-origin"),
        )
        return Answer(status, page, "text/html; charset=utf-8", security)

    def _back(self, language: Language) -> Answer:
        return Answer(303, fields=(("Location", f"/?lang={language.tag}"),))

    def _language(self, environ: Mapping[str, Any], wanted: str) -> Language:
        return self._languages.choose(wanted, environ.get("HTTP_ACCEPT_LANGUAGE", ""))


def _body(environ: Mapping[str, Any]) -> dict[str, bytes]:
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    size = environ.get("CONTENT_LENGTH") or "0"
    if kind != _FORM or not size.isdecimal() or int(size) > LONGEST_BODY:
        raise BadForm("not a form of the page")
    return fields(environ["wsgi.input"].read(int(size)))


def _view(situation: Situation) -> str:
    """What a phone is shown that just opens the page."""
    if situation.joining is not None:
        return "joining"
    joined = situation.state is State.ONLINE and situation.result and situation.result.good
    return "joined" if joined else "choose"


def _state(situation: Situation) -> Answer:
    result = situation.result
    told = {
        "view": _view(situation),
        "state": situation.state,
        "ssid": result.ssid.hex() if result else None,
        "outcome": result.outcome if result else None,
        "addresses": result.addresses if result else (),
    }
    return Answer(200, json.dumps(told).encode(), "application/json")


def _sentence(status: int, sentence: str) -> Answer:
    return Answer(status, f"{sentence}\n".encode(), "text/plain; charset=utf-8")
