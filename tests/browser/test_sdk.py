"""The JavaScript SDK in a real browser, in pages of the device and of elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from wsgiref.types import StartResponse

import pytest

from appliance.engines.scripted import always
from appliance.errors import EngineDied
from tests.browser.chromium import Page
from tests.contracts.scripted import Stage, performing
from tests.helpers.server import ROOT
from tests.helpers.wire import serving

README = (ROOT / "appliance/sdk/README.md").read_text("utf-8")
ADDRESS = "http://luna-ab12.local"
TEXT = "Grüße 🌙"
# Runs in the page and leaves what came of it in `window.told`.
CALL = """
    delete window.told;
    void import("/sdk/luna.js").then(async ({ LunaClient }) => {
      const told = [];
      const luna = new LunaClient();
      try {
        for await (const token of %s({ prompt: "Hi" })) {
          told.push(token);
          %s
        }
      } catch (error) {
        told.push(error.code ?? String(error));
      }
      window.told = told;
    })
"""

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with performing(tmp_path_factory.mktemp("stage")) as played:
        yield played


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as opened:
        yield opened


def told(page: Page, within: str = "", asking: str = "luna.generateStream") -> object:
    page.evaluate(CALL % (asking, within))
    page.wait_for("window.told !== undefined")
    return page.evaluate("window.told")


def test_a_page_of_elsewhere(stage: Stage, page: Page) -> None:
    """The README's example, as a web page on a server that knows nothing of Luna."""
    found = re.search(r"^```html\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found
    assert ADDRESS in found[1]
    # A character cut in two by the model's tokens.
    stage.script = always(b"Gr\xc3", b"\xbc\xc3\x9f", b"e \xf0\x9f", b"\x8c\x99")
    body = ('<link rel="icon" href="data:,">' + found[1].replace(ADDRESS, stage.url)).encode()

    def app(environ: object, start_response: StartResponse) -> list[bytes]:
        start_response(
            "200 OK", [("Content-Type", "text/html"), ("Content-Length", f"{len(body)}")]
        )
        return [body]

    with serving(app) as port:
        page.open(f"http://127.0.0.1:{port}", 360, 740)
        page.wait_for("document.title === 'Done'")
        assert page.evaluate("document.getElementById('output').textContent") == TEXT
    assert page.complaints == []


def test_a_page_of_the_device(stage: Stage, page: Page) -> None:
    stage.script = always(*(bytes([letter]) for letter in TEXT.encode()))
    page.open(f"{stage.url}/docs", 360, 740)
    page.wait_for("document.readyState === 'complete'")
    assert told(page) == list(TEXT)
    assert told(page, "break;") == ["G"]
    assert told(page, asking="(await luna.connect()).generate") == list(TEXT)

    stage.failure, stage.fails_at = EngineDied("The engine ended."), 2
    assert told(page) == ["G", "r", "INFERENCE_ERROR"]
