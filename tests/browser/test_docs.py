"""`/docs` in a real browser: complete, usable on a phone, and nothing of it from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Page
from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("chromium", "engine")
CHAT = "#operations-OpenAI-post_v1_chat_completions"
OPERATIONS = """
    Array.from(document.querySelectorAll(".opblock-summary"), each => [
        each.querySelector(".opblock-summary-method").textContent.toLowerCase(),
        each.querySelector(".opblock-summary-path").dataset.path,
    ])
"""


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLuna]:
    with RunningLuna(tmp_path_factory.mktemp("luna")) as running:
        running.wait_loaded()
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as opened:
        yield opened


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_an_operation_can_be_tried(luna: RunningLuna, page: Page, width: int, height: int) -> None:
    described = luna.get("/openapi.json")["paths"]
    page.open(f"{luna.url}/docs", width, height)
    page.wait_for("document.querySelectorAll('.opblock').length > 0")
    shown = {(method, path) for method, path in page.evaluate(OPERATIONS)}
    assert shown == {(method, path) for path, item in described.items() for method in item}

    page.evaluate(f"document.querySelector('{CHAT} .opblock-summary-control').click()")
    page.wait_for(f"(document.querySelector('{CHAT} textarea') || {{}}).value")  # the example
    page.evaluate(f"document.querySelector('{CHAT} .execute').click()")
    status = f"document.querySelector('{CHAT} .live-responses-table tbody .response-col_status')"
    page.wait_for(f"{status} !== null && {status}.textContent.includes('200')")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
    assert page.requests
    assert [url for url in page.requests if not url.startswith((luna.url, "data:"))] == []
