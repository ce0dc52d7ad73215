"""axe-core in a page: what it has to say about accessibility."""

from __future__ import annotations

from pathlib import Path

from tests.browser.chromium import Page

_AXE = Path(__file__).with_name("vendor") / "axe.min.js"
_RUN = """
    window.axeFound = null;
    axe.run({resultTypes: ["violations"]}).then(found => {
        window.axeFound = found.violations.map(each =>
            `${each.impact} ${each.id}: ${each.nodes.map(node => node.html).join(" | ")}`);
    });
    true
"""


def violations(page: Page) -> list[str]:
    """Every rule that the page breaks, with its impact and the elements."""
    page.evaluate(_AXE.read_text("utf-8") + "; true")
    page.evaluate(_RUN)
    page.wait_for("window.axeFound !== null")
    found: list[str] = page.evaluate("window.axeFound")
    return found
