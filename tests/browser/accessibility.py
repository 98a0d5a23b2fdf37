"""What a page must not have."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def accessible(page: Page) -> None:
    """axe finds nothing serious."""
    found = Axe().run(page).response["violations"]
    grave = [issue for issue in found if issue["impact"] in ("serious", "critical")]
    assert not grave, [(issue["id"], issue["help"], issue["nodes"][0]["html"]) for issue in grave]
