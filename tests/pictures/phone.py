"""What a phone shows: the real pages, in Chromium, at the size of a phone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from provisioning.credentials import Security
from provisioning.results import Outcome
from provisioning.survey import Network
from tests.browser.chromium import Page
from tests.helpers.server import RunningLuna
from tests.pictures.screens import NAME
from tests.provisioning.portal.pretence import HOME, portal

WIDTH, HEIGHT, SCALE = 390, 844, 2
_COLOURS = 96
_NETWORKS = (
    HOME,
    Network(b"Library upstairs", Security.PSK, 64, 5180, 0.0),
    Network(b"Guests", Security.OPEN, 55, 2412, 0.0),
    Network(b"eduroam", Security.ENTERPRISE, 40, 5240, 0.0),
)
_ROW = "details[name=net]:has([value='486f6d65'])"
_CHAT = "#operations-OpenAI-post_v1_chat_completions"
_QUESTION = '{"messages": [{"role": "user", "content": "How do I add a model?"}]}'


def setup() -> Iterator[tuple[str, bytes]]:
    """The way onto a WiFi: the list, a wrong password, and being online; names and PNGs."""
    with portal() as running, Page() as page:
        onboarding = running.onboarding
        onboarding.now = replace(onboarding.now, networks=_NETWORKS, age=10.0)
        page.emulate(reduced_motion=True)
        page.open(running.url, WIDTH, HEIGHT)
        yield "setup-choose.png", shot(page, "body.choose")
        page.evaluate(f"document.querySelector(`{_ROW} > summary`).click()")
        page.evaluate(f"document.querySelector(`{_ROW} [name=password]`).focus()")
        page.write("correct hose")
        page.evaluate(f"document.querySelector(`{_ROW} button`).click()")
        yield "setup-joining.png", shot(page, "body.joining")
        onboarding.end(Outcome.WRONG_PASSWORD)
        yield "setup-wrong.png", shot(page, "body.trouble")
        onboarding.now = replace(onboarding.now, joining=HOME.ssid)
        onboarding.end(Outcome.CONNECTED, "192.168.1.23/24")
        page.open(running.url, WIDTH, HEIGHT)
        yield "setup-online.png", shot(page, "body.joined")


def documents() -> Iterator[tuple[str, bytes]]:
    """The device's page of its API, and a chat that was tried on it."""
    with (
        tempfile.TemporaryDirectory(prefix="luna-") as folder,
        RunningLuna(Path(folder), models=[]) as luna,
        Page(f"--host-resolver-rules=MAP {NAME}.local:80 127.0.0.1:{luna.port}") as page,
    ):
        luna.wait_loaded()
        page.open(f"http://{NAME}.local/docs", WIDTH, HEIGHT)
        page.wait_for("document.querySelectorAll('.opblock').length > 0")
        page.evaluate("document.querySelector('#operations-tag-OpenAI').scrollIntoView()")
        yield "docs.png", shot(page, ".opblock")
        page.evaluate(f"document.querySelector('{_CHAT} .opblock-summary-control').click()")
        page.wait_for(f"(document.querySelector('{_CHAT} textarea') || {{}}).value")
        page.evaluate(f"document.querySelector('{_CHAT} textarea').select()")
        page.write(_QUESTION)
        page.evaluate(f"document.querySelector('{_CHAT} .execute').click()")
        answer = f"{_CHAT} .live-responses-table .response-col_status"
        page.wait_for(f"(document.querySelectorAll('{answer}')[1] || {{}}).textContent")
        page.evaluate(f"document.querySelector('{_CHAT} .curl-command').scrollIntoView()")
        yield "docs-chat.png", shot(page, _CHAT)


def shot(page: Page, selector: str) -> bytes:
    """What the window shows once there is such an element, in few colours, as PNG."""
    page.wait_for(
        f"document.readyState === 'complete' && document.querySelector(`{selector}`) !== null"
    )
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=WIDTH,
        height=HEIGHT,
        deviceScaleFactor=SCALE,
        mobile=True,
    )
    with tempfile.TemporaryDirectory(prefix="luna-") as folder:
        file = Path(folder, "shot.png")
        page.screenshot(file)
        with Image.open(file) as image:
            return few_colours(image)


def few_colours(image: Image.Image) -> bytes:
    """The picture as PNG with a palette, which is a fraction as large."""
    out = BytesIO()
    fewer = image.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT)
    fewer.save(out, "PNG", optimize=True)
    return out.getvalue()
