"""The setup page in a real browser: with and without JavaScript, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from provisioning.credentials import Account, Credentials, Security
from provisioning.results import Outcome
from tests.browser.axe import violations
from tests.browser.chromium import Page
from tests.helpers.wire import eventually
from tests.provisioning.portal.pretence import Portal, portal

pytestmark = pytest.mark.needs("chromium")
SIZES = [(360, 740), (1280, 800)]
HOME = "details[name=net]:has([value='486f6d65'])"
HIDDEN = ".hidden-net"


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with Page() as opened:
        yield opened


@pytest.fixture
def running() -> Iterator[Portal]:
    with portal() as opened:
        yield opened


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    browser.emulate()
    browser.requests.clear()
    browser.complaints.clear()
    yield browser
    browser.call("Page.navigate", url="about:blank")


def show(page: Page, running: Portal, width: int = 360, height: int = 740, query: str = "") -> None:
    page.open(running.url + query, width, height)
    appears(page, "body")


def appears(page: Page, selector: str) -> None:
    page.wait_for(
        f"document.readyState === 'complete' && document.querySelector(`{selector}`) !== null"
    )


def click(page: Page, selector: str) -> None:
    page.evaluate(f"document.querySelector(`{selector}`).click()")


def fill(page: Page, selector: str, text: str) -> None:
    page.evaluate(f"document.querySelector(`{selector}`).focus()")
    page.write(text)


def text(page: Page, selector: str = "body") -> str:
    return str(page.evaluate(f"document.querySelector(`{selector}`).innerText"))


def is_seen(page: Page, selector: str) -> bool:
    return bool(page.evaluate(f"document.querySelector(`{selector}`).checkVisibility()"))


def fits(page: Page, width: int) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") <= width)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("javascript", [True, False])
def test_a_wrong_password_then_the_right_one(
    running: Portal, page: Page, javascript: bool, width: int, height: int
) -> None:
    page.emulate(javascript=javascript, reduced_motion=True)
    show(page, running, width, height)
    assert fits(page, width)
    click(page, f"{HOME} > summary")
    fill(page, f"{HOME} [name=password]", "wrong horse 🐴")
    click(page, f"{HOME} button")
    appears(page, "body.joining")
    assert fits(page, width)
    assert "http://luna-4f2a.local/" in text(page)
    wanted = Credentials(b"Home", "wrong horse 🐴".encode(), False, Security.TRANSITION)
    assert [each for each, _ in running.onboarding.asked] == [wanted]

    running.onboarding.end(Outcome.WRONG_PASSWORD)
    if not javascript:
        click(page, ".after a")
    appears(page, "body.trouble")
    assert "The password for Home was probably wrong" in text(page, "h1")
    assert is_seen(page, f"{HOME} [name=password]")
    assert page.evaluate(f"document.querySelector(`{HOME} [name=password]`).value") == ""

    fill(page, f"{HOME} [name=password]", "correct horse")
    click(page, f"{HOME} button")
    appears(page, "body.joining")
    running.onboarding.end(Outcome.CONNECTED, "192.168.1.23/24")
    if not javascript:
        click(page, ".after a")
    appears(page, "body.joined")
    assert "192.168.1.23" in text(page)
    assert fits(page, width)
    click(page, ".finish button")
    appears(page, "body.done")
    assert running.visitors.is_released("127.0.0.1")

    assert [url for url in page.requests if not url.startswith((running.url, "data:"))] == []
    assert page.evaluate("document.cookie") == ""
    assert page.complaints == []


def test_a_short_password_is_caught_before_it_is_sent(running: Portal, page: Page) -> None:
    show(page, running)
    click(page, f"{HOME} > summary")
    for typed, good in (("密码", False), ("密", True), ("x" * 54, True), ("x", False)):
        fill(page, f"{HOME} [name=password]", typed)
        is_good = page.evaluate(f"document.querySelector(`{HOME} [name=password]`).validity.valid")
        assert is_good is good


def test_a_short_password_is_shown_to_be_wrong_without_javascript(
    running: Portal, page: Page
) -> None:
    page.emulate(javascript=False)
    show(page, running)
    click(page, f"{HOME} > summary")
    fill(page, f"{HOME} [name=password]", "short")
    click(page, f"{HOME} button")
    appears(page, ".mistake")
    assert is_seen(page, ".mistake")
    assert "8 to 63" in text(page, ".mistake")
    assert running.onboarding.asked == []


def test_a_password_can_be_seen(running: Portal, page: Page) -> None:
    show(page, running)
    click(page, f"{HOME} > summary")
    kind = f"document.querySelector(`{HOME} [name=password]`).type"
    assert page.evaluate(kind) == "password"
    click(page, f"{HOME} .show input")
    assert page.evaluate(kind) == "text"
    click(page, f"{HOME} .show input")
    assert page.evaluate(kind) == "password"


@pytest.mark.parametrize("javascript", [True, False])
def test_an_account_on_a_hidden_network(running: Portal, page: Page, javascript: bool) -> None:
    page.emulate(javascript=javascript)
    show(page, running)
    click(page, f"{HIDDEN} > summary")
    assert is_seen(page, f"{HIDDEN} [name=password]")
    assert not is_seen(page, f"{HIDDEN} [name=identity]")
    choose = "document.querySelector('#security').value = '{}'; document.body.offsetTop"
    page.evaluate(choose.format("open"))
    page.wait_for(f"!document.querySelector(`{HIDDEN} [name=password]`).checkVisibility()")
    page.evaluate(choose.format("enterprise"))
    page.wait_for(f"document.querySelector(`{HIDDEN} [name=identity]`).checkVisibility()")
    fill(page, "#name", "Büro")
    fill(page, f"{HIDDEN} [name=identity]", "ann")
    fill(page, f"{HIDDEN} [name=password]", "pw")
    click(page, f"{HIDDEN} button")
    appears(page, "body.joining")
    account = Account("ann")
    wanted = Credentials("Büro".encode(), b"pw", True, Security.ENTERPRISE, account)
    assert [each for each, _ in running.onboarding.asked] == [wanted]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_new_search(running: Portal, page: Page, javascript: bool) -> None:
    page.emulate(javascript=javascript)
    show(page, running)
    assert "Appeared later" not in text(page)
    click(page, ".rescan button")
    page.wait_for("(document.body || {innerText: ''}).innerText.includes('Appeared later')")
    assert running.onboarding.scans == 1
    assert "Searched just now" in text(page)
    if javascript:
        assert page.evaluate("document.activeElement.textContent") == "Search again"
        click(page, ".rescan button")  # what was put in its place works as well
        eventually(lambda: running.onboarding.scans == 2)


def test_everything_is_within_reach_of_a_keyboard(running: Portal, page: Page) -> None:
    show(page, running)
    focused = "document.activeElement.closest('details, .rescan, body').className || 'list'"
    seen = []
    for _ in range(4):
        page.press("Tab")
        seen.append(page.evaluate(focused))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert seen == ["lang", "rescan", "list", "list"]
    page.evaluate(f"document.querySelector(`{HOME} > summary`).focus()")
    page.press("Enter", "\r")
    page.wait_for(f"document.querySelector(`{HOME}`).open")
    page.press("Tab")
    page.write("correct horse")
    page.press("Enter", "\r")
    appears(page, "body.joining")
    assert len(running.onboarding.asked) == 1


@pytest.mark.parametrize("reduced", [True, False])
def test_motion_is_left_out_where_it_is_not_wanted(
    running: Portal, page: Page, reduced: bool
) -> None:
    page.emulate(reduced_motion=reduced)
    running.onboarding.now = replace(running.onboarding.now, joining=b"Home")
    show(page, running)
    appears(page, "body.joining")
    assert page.evaluate("document.getAnimations().length") == (0 if reduced else 1)


@pytest.mark.parametrize(("dark", "width", "height"), [(False, *SIZES[0]), (True, *SIZES[1])])
def test_axe_finds_nothing(
    running: Portal, page: Page, dark: bool, width: int, height: int
) -> None:
    page.emulate(dark=dark, reduced_motion=True)
    onboarding = running.onboarding
    show(page, running, width, height)
    page.evaluate(
        "document.querySelectorAll('details').forEach(each => each.removeAttribute('name'))"
    )
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert violations(page) == []
    onboarding.now = replace(onboarding.now, joining=b"Home")
    show(page, running, width, height)
    assert violations(page) == []
    onboarding.end(Outcome.NOT_IN_RANGE)
    appears(page, "body.trouble")
    assert violations(page) == []
    onboarding.end(Outcome.CONNECTED)
    show(page, running, width, height)
    assert violations(page) == []
    click(page, ".finish button")
    appears(page, "body.done")
    assert violations(page) == []


@pytest.mark.parametrize("tag", ["en", "de", "es", "zh-Hans"])
def test_a_language_fits_the_smallest_phone(running: Portal, page: Page, tag: str) -> None:
    show(page, running, 320, 568, f"?lang={tag}")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert page.evaluate("document.documentElement.lang") == tag
    assert fits(page, 320)


def test_a_language_is_switched(running: Portal, page: Page) -> None:
    page.emulate(javascript=False)
    show(page, running)
    click(page, ".lang > summary")
    assert is_seen(page, ".lang [lang=de]")
    click(page, ".lang [lang=de]")
    appears(page, "[lang=de] body")
    click(page, f"{HOME} > summary")
    fill(page, f"{HOME} [name=password]", "correct horse")
    click(page, f"{HOME} button")
    appears(page, "[lang=de] body.joining")


def test_countries_have_names(running: Portal, page: Page) -> None:
    show(page, running, query="?lang=de")
    names = page.evaluate("Array.from(document.querySelectorAll('#country option'), e => e.text)")
    assert [name.strip() for name in names] == [
        "Nicht gewählt",
        "Deutschland",
        "Österreich",
        "Spanien",
        "Vereinigte Staaten",
        "Vereinigtes Königreich",
    ]
    page.evaluate("document.querySelector('#country').value = 'AT'")
    click(page, ".country button")
    eventually(lambda: running.onboarding.now.country == "AT")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_result_comes_by_itself_where_the_setup_network_stays(
    page: Page, javascript: bool
) -> None:
    with portal(stays=True) as running:
        page.emulate(javascript=javascript, reduced_motion=True)
        running.onboarding.now = replace(running.onboarding.now, joining=b"Home")
        show(page, running)
        assert "tells you how it went" in text(page)
        running.onboarding.end(Outcome.CONNECTED)
        appears(page, "body.joined")


def test_a_phone_that_has_lost_the_network_is_told_how_to_go_on(page: Page) -> None:
    with portal() as running:
        running.onboarding.now = replace(running.onboarding.now, joining=b"Home")
        show(page, running)
        assert not is_seen(page, ".gone")
    page.wait_for("document.querySelector('.gone').checkVisibility()")
    assert "Your phone has left Luna-4F2A" in text(page, ".gone")
