"""Accessibility checks with axe."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def accessible(page: Page) -> None:
    """Assert that axe finds nothing serious or critical."""
    violations = Axe().run(page).response["violations"]
    serious = [issue for issue in violations if issue["impact"] in ("serious", "critical")]
    assert not serious, [(issue["id"], issue["help"], issue["nodes"][0]["html"]) for issue in serious]
