"""A researcher imports a database in the browser, from choosing the folder to the finished clips."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in
from tests.trees.small import small_casme2_tree

pytestmark = pytest.mark.browser
PATIENCE_MS = 120_000


@pytest.fixture
def project(live_platform, page: Page) -> str:
    """A new project, its page open, and a database in the import folder."""
    folder = live_platform.folder / "data" / "import" / "Official" / "CASME2"
    if not folder.exists():
        small_casme2_tree(folder, apex=99, erratum=True)
    sign_in(page, live_platform)
    page.get_by_label("Name").fill("Imports in a browser")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="Imports in a browser")).to_be_visible()
    api = live_platform.api()
    [project] = api.get("projects/?name=Imports+in+a+browser")["results"]
    api.post("import-folders/", {"project": project["id"], "path": "Official"})
    return page.url


def test_a_database_is_imported_with_a_correction(page: Page, project: str):
    page.goto(f"{project}clips/")
    page.get_by_role("link", name="Import a database").first.click()
    accessible(page)
    page.get_by_role("link", name="Import a database").first.click()
    accessible(page)
    page.get_by_role("link", name="Official").click()
    page.locator("#folders").get_by_role("link", name="CASME2").click()
    expect(page.locator("#id_source")).to_have_value("Official/CASME2")
    page.get_by_role("button", name="Check").click()
    button = page.get_by_role("button", name="Import 4 clips")
    expect(button).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#problems")).to_contain_text("The apex (99) is outside")
    accessible(page)
    page.get_by_role("link", name="apex-missing").click()
    expect(page.locator("#problems")).not_to_contain_text("is outside")
    page.get_by_label("sub16 / EP01_08: offset").check()
    button.click()
    expect(page.get_by_role("link", name="See the clips")).to_be_visible(timeout=PATIENCE_MS)
    row = page.get_by_role("row", name="CASME II/sub16/EP01_08")
    expect(row).to_contain_text("23")  # frame 96 of 73–96, as corrected
    accessible(page)
    page.get_by_role("link", name="See the clips").click()
    expect(page.locator(".clip-state.is-ready")).to_have_count(4)
