"""What phones get from the portal, request by request."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from appliance.system import first_key
from provisioning.credentials import Credentials, Security
from provisioning.portal.key import OwnerKey
from provisioning.portal.languages import read_languages
from provisioning.portal.place import Place
from provisioning.portal.site import HEAD_START, LONGEST_BODY, Site
from provisioning.results import Outcome, result
from provisioning.situation import State
from tests.provisioning.portal.pretence import HOME, NAME, SETUP, PretendOnboarding
from tests.provisioning.portal.test_probes import ASKED

ADDRESS = "10.42.0.1"
URL = f"http://{ADDRESS}/"
PHONE = "10.42.0.55"


@dataclass
class Response:
    status: int
    fields: dict[str, str]
    body: str


@dataclass
class Phone:
    """Asks the site as a WSGI server would."""

    site: Site
    onboarding: PretendOnboarding
    address: str = PHONE

    def ask(self, method: str, host: str, target: str, body: bytes = b"", **more: str) -> Response:
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "REMOTE_ADDR": self.address,
            "HTTP_HOST": host,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **more,
        }
        told: list[tuple[str, list[tuple[str, str]]]] = []
        sent = b"".join(self.site(environ, lambda status, fields: told.append((status, fields))))
        ((status, fields),) = told
        return Response(int(status.split()[0]), dict(fields), sent.decode())

    def get(self, target: str, host: str = ADDRESS, **more: str) -> Response:
        return self.ask("GET", host, target, b"", **more)

    def post(self, target: str, origin: str | None = URL[:-1], **values: str) -> Response:
        more = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
        if origin is not None:
            more["HTTP_ORIGIN"] = origin
        return self.ask("POST", ADDRESS, target, urlencode(values).encode(), **more)

    def join(self, **values: str) -> Response:
        home = {"ssid": HOME.ssid.hex(), "security": "wpa-psk-sae", "password": "correct horse"}
        return self.post("/join", **(home | values))


@pytest.fixture
def phone() -> Phone:
    onboarding = PretendOnboarding()
    place = Place(NAME, SETUP, (f"{ADDRESS}/24", "192.0.2.1/32"))
    return Phone(Site(onboarding, place, read_languages()), onboarding)


@pytest.mark.parametrize(("system", "host", "path", "agent", "status", "body"), ASKED)
def test_a_probe_finds_the_portal_before_and_the_internet_after(
    phone: Phone, system: str, host: str, path: str, agent: str, status: int, body: str
) -> None:
    before = phone.get(path, host, HTTP_USER_AGENT=agent)
    assert (before.status, before.fields["Location"], before.body) == (302, URL, "")
    assert before.fields["Content-Length"] == "0"
    assert before.fields["Cache-Control"] == "no-store"

    phone.onboarding.end(Outcome.CONNECTED)
    assert phone.get(path, host, HTTP_USER_AGENT=agent).status == 302  # the result was not read yet
    assert phone.post("/done").status == 200
    after = phone.get(path, host, HTTP_USER_AGENT=agent)
    assert after.status == status
    assert body in after.body
    assert ("Content-Length" in after.fields) == (status != 204)

    phone.address = "10.42.0.56"
    assert phone.get(path, host, HTTP_USER_AGENT=agent).status == 302


@pytest.mark.parametrize("host", ["example.org", "www.msftconnecttest.com", "10.42.0.1:81", ""])
def test_everything_else_leads_to_the_page(phone: Phone, host: str) -> None:
    for target in ("/", "/redirect", "/state", "/join?x=1"):
        answer = phone.get(target, host)
        assert (answer.status, answer.fields["Location"]) == (302, URL)
    assert phone.get("/favicon.ico").fields["Location"] == URL
    assert phone.ask("POST", host, "/api", b"{}").status == 511


def test_head_has_no_body(phone: Phone) -> None:
    whole, head = phone.get("/"), phone.ask("HEAD", ADDRESS, "/")
    assert head.body == ""
    assert head.fields == whole.fields
    assert len(whole.body.encode()) == int(whole.fields["Content-Length"])


@pytest.mark.parametrize("host", [ADDRESS, "192.0.2.1", f"{NAME}.local", f"{NAME}:80"])
def test_the_page_is_at_every_name_of_its_own(phone: Phone, host: str) -> None:
    answer = phone.get("/", host)
    assert answer.status == 200
    assert "Hello." in answer.body
    assert "default-src 'none'" in answer.fields["Content-Security-Policy"]
    assert answer.fields["Referrer-Policy"] == "same-origin"


def test_others_than_guests_are_sent_away(phone: Phone) -> None:
    phone.address = "192.168.1.7"
    assert phone.get("/").status == 403
    assert phone.join().status == 403
    assert phone.onboarding.asked == []


def test_a_network_is_joined(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = phone.join()
    assert answer.status == 200
    assert "Luna is joining <bdi>Home</bdi>" in answer.body
    assert "Your phone will lose <bdi>Luna-4F2A</bdi>" in answer.body
    wanted = Credentials(b"Home", b"correct horse", False, Security.TRANSITION)
    assert phone.onboarding.asked == [(wanted, HEAD_START)]
    assert "Luna is joining" in phone.get("/").body
    assert "correct horse" not in answer.body + caplog.text
    assert "Home" in caplog.text


def test_the_page_waits_where_the_setup_network_stays(phone: Phone) -> None:
    phone.onboarding.now = replace(phone.onboarding.now, stays=True)
    answer = phone.join()
    assert 'http-equiv="refresh"' in answer.body
    assert "will lose" not in answer.body


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://10.42.0.1:8080"])
@pytest.mark.parametrize("target", ["/join", "/rescan", "/country", "/done"])
def test_forms_of_other_sites_do_nothing(phone: Phone, target: str, origin: str | None) -> None:
    answer = phone.post(target, origin, ssid="41", security="open", country="DE")
    assert answer.status == 403
    assert phone.onboarding.asked == []
    assert phone.onboarding.scans == 0
    assert phone.onboarding.now.country == ""
    assert phone.get("/generate_204", "x").status == 302


def test_an_old_browser_says_where_it_comes_from_by_referer(phone: Phone) -> None:
    more = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_REFERER": URL}
    assert phone.ask("POST", ADDRESS, "/rescan", b"", **more).status == 303


def test_a_mistake_is_shown_where_it_was_made(phone: Phone) -> None:
    answer = phone.join(password="hunter2")
    assert answer.status == 400
    assert "8 to 63 characters" in answer.body
    assert 'aria-invalid="true"' in answer.body
    assert "hunter2" not in answer.body
    assert phone.onboarding.asked == []


def test_what_was_typed_is_kept_but_not_the_password(phone: Phone) -> None:
    typed = {"name": "Höhle <1>", "security": "enterprise", "identity": "", "domain": "r.example"}
    answer = phone.post("/join", password="top secret", **typed)
    assert answer.status == 400
    assert 'value="Höhle &lt;1&gt;"' in answer.body
    assert 'value="r.example"' in answer.body
    assert "Enter your user name" in answer.body
    assert "top secret" not in answer.body


def test_nonsense_is_answered_with_the_page(phone: Phone) -> None:
    for answer in (
        phone.post("/join"),
        phone.post("/join", ssid="zz", security="open"),
        phone.post("/country", country="XX"),
        phone.post("/join", password="x" * LONGEST_BODY),
        phone.ask("POST", ADDRESS, "/join", b"{}", HTTP_ORIGIN=URL[:-1], CONTENT_TYPE="text/plain"),
    ):
        assert answer.status == 400
        assert "did not arrive in one piece" in answer.body
    assert phone.ask("PUT", ADDRESS, "/join", HTTP_ORIGIN=URL[:-1]).status == 405
    assert phone.post("/elsewhere").status == 405
    assert phone.get("/?" + "&".join(["a=b"] * 99)).status == 200


def test_a_busy_service_is_told(phone: Phone) -> None:
    phone.onboarding.busy = True
    answer = phone.join()
    assert answer.status == 503
    assert "cannot do that now" in answer.body


def test_a_rescan_and_a_country(phone: Phone) -> None:
    answer = phone.post("/rescan", lang="de")
    assert (answer.status, answer.fields["Location"]) == (303, "/?lang=de")
    assert "Appeared later" in phone.get("/?lang=de").body
    assert phone.post("/country", country="DE").status == 303
    assert phone.onboarding.now.country == "DE"
    assert phone.post("/country", country="").status == 303
    assert "<option selected>DE" in phone.get("/").body


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.CONNECTED}))
def test_a_failure_is_told_with_its_remedy(phone: Phone, outcome: Outcome) -> None:
    texts = read_languages().choose("en", "").texts
    phone.join()
    phone.onboarding.end(outcome)
    page = phone.get("/").body
    assert texts[f"outcome.{outcome}.title"].format(name="<bdi>Home</bdi>") in page
    assert texts[f"outcome.{outcome}.remedy"] in page
    assert page.count('<details name="net" open>') == 1


def test_success_is_told_with_the_way_on(phone: Phone) -> None:
    phone.join()
    phone.onboarding.end(Outcome.CONNECTED, "192.168.1.23/24", "fd00::1/64")
    page = phone.get("/").body
    assert "Luna is online" in page
    assert "http://luna-4f2a.local/" in page
    assert "http://192.168.1.23/" in page
    assert "Hello." in phone.get("/?again=1").body
    assert "You can close this window" in phone.post("/done").body


def test_the_owner_s_key_is_shown_until_the_setup_is_done(phone: Phone, tmp_path: Path) -> None:
    file = tmp_path / first_key.SHOWN
    file.parent.mkdir(parents=True)
    file.write_text("luna_secret\n")
    place = Place(NAME, SETUP, (f"{ADDRESS}/24",))
    told = Phone(
        Site(phone.onboarding, place, read_languages(), key=OwnerKey(tmp_path)), phone.onboarding
    )
    assert "luna_secret" not in told.get("/").body
    assert "luna_secret" in told.join().body
    assert "luna_secret" in told.post("/done").body
    assert not file.exists()
    assert "luna_secret" not in told.post("/done").body


def test_an_old_success_is_no_news(phone: Phone) -> None:
    """The box was moved: it is on its setup network again."""
    phone.onboarding.end(Outcome.CONNECTED)
    phone.onboarding.now = replace(phone.onboarding.now, state=State.HOTSPOT)
    assert "Hello." in phone.get("/").body


def test_the_state_is_there_for_programs(phone: Phone) -> None:
    answer = phone.get("/state")
    assert answer.fields["Content-Type"] == "application/json"
    assert json.loads(answer.body) == {
        "view": "choose",
        "state": "hotspot",
        "ssid": None,
        "outcome": None,
        "addresses": [],
    }
    phone.join()
    assert json.loads(phone.get("/state").body)["view"] == "joining"
    phone.onboarding.end(Outcome.CONNECTED, "192.168.1.23/24")
    told = json.loads(phone.get("/state").body)
    assert told["view"] == "joined"
    assert (told["ssid"], told["outcome"]) == (HOME.ssid.hex(), "connected")
    assert told["addresses"] == ["192.168.1.23/24"]


def test_the_phone_s_language_is_spoken(phone: Phone) -> None:
    german = phone.get("/", HTTP_ACCEPT_LANGUAGE="de-DE,de;q=0.9")
    assert '<html lang="de">' in german.body
    chosen = phone.get("/?lang=zh-Hans", HTTP_ACCEPT_LANGUAGE="de")
    assert '<html lang="zh-Hans">' in chosen.body
    assert '<html lang="es">' in phone.join(lang="es").body


def test_names_are_text_whatever_their_bytes(phone: Phone) -> None:
    page = phone.get("/").body
    assert "<bdi>&lt;b&gt;&amp;&#34;&#39;`</bdi>" in page
    assert "latin-1 \\xe9" in page
    assert b"latin-1 \xe9".hex() in page
    phone.onboarding.now = replace(
        phone.onboarding.now, result=result(b"<script>\xff\n", Outcome.TIMED_OUT)
    )
    assert "<script>\\xff" not in phone.get("/").body
