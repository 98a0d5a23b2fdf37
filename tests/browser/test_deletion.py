"""A researcher deletes a clip, a subject and a database, and the owner the project; the files follow."""

import os
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in
from tests.live import LivePlatform, wait_until
from tests.trees.small import small_casme2_tree

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(live_platform: LivePlatform, page: Page) -> dict:
    """A project with an imported database, and its owner signed in."""
    folder = live_platform.folder / "data" / "import" / "ToDelete"
    if not folder.exists():
        small_casme2_tree(folder, brightness=23)  # files that another test's clips share would stay
    api = live_platform.api()
    project = api.post("projects/", {"name": "To delete"})
    api.post("import-folders/", {"project": project["id"], "path": "ToDelete"})
    fields = {"project": project["id"], "layout": "casme2", "source": "ToDelete"}
    batch = f"imports/{api.post('imports/', fields)['id']}/"
    wait_until(lambda: api.get(batch)["state"] == "checked", "the check of the import", 120)
    api.post(f"{batch}confirm/", {"accepted": []})
    wait_until(lambda: api.get(batch)["state"] == "finished", "the import", 120)
    sign_in(page, live_platform)
    return {**project, "clips": api.get(f"clips/?project={project['id']}")["results"]}


def test_each_deletion_says_what_goes_first(page: Page, live_platform: LivePlatform, lab: dict):
    base = f"{live_platform.url}/projects/{lab['slug']}/"
    media = live_platform.folder / "data" / "media"
    packs = [media / "packs" / clip["sha256"][:2] / clip["sha256"] for clip in lab["clips"]]
    assert len(left(packs)) == 9
    for file in left(packs):  # what was stored a moment ago is removed only minutes later
        os.utime(file, (time.time() - 86_400,) * 2)
    page.goto(f"{base}clips/{lab['clips'][0]['id']}/")
    page.get_by_role("link", name="Delete clip…").click()
    expect(page.get_by_text("1 expression of the consensus")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Delete clip").click()
    expect(page.get_by_text("was deleted. Its files follow")).to_be_visible()
    wait_until(lambda: not left(packs[:1]), "the frames to be removed")

    page.goto(f"{base}databases/{lab['clips'][0]['database']}/")
    accessible(page)
    page.get_by_role("link", name="Delete… sub02").click()
    page.get_by_role("button", name="Delete subject").click()
    expect(page.get_by_text("sub02 was deleted")).to_be_visible()
    page.get_by_role("link", name="Delete database…").click()
    page.get_by_role("button", name="Delete database").click()
    expect(page.get_by_text("CASME II was deleted")).to_be_visible()

    page.goto(f"{base}members/")
    page.get_by_role("link", name="Delete project…").click()
    page.get_by_label("Name of the project").fill("Something else")
    page.get_by_role("button", name="Delete project").click()
    expect(page.get_by_text("Type the name of the project")).to_be_visible()
    accessible(page)
    page.get_by_label("Name of the project").fill("To delete")
    page.get_by_role("button", name="Delete project").click()
    expect(page.get_by_text("To delete was deleted")).to_be_visible()
    wait_until(lambda: not left(packs), "all frames to be removed")


def left(packs: list[Path]) -> list[Path]:
    """Return the files whose names start with one of these paths."""
    return [file for pack in packs for file in pack.parent.glob(f"{pack.name}*")]
