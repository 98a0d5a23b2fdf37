"""A researcher downloads the file to fill in, uploads predictions of other code, and sees them next to other runs."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
MARK = "external: protocol declared, not verified"
DATA = """
from django.contrib.auth.models import User
from mer_platform.projects.services import create_project
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures
admin = User.objects.get(username="admin")
version = freeze_pictures(create_project("Outside", admin))
finished(version, [0, 1, 2, 1] * 6, admin, net={"name": "majority"})
"""


@pytest.fixture
def version_page(live_platform, page: Page) -> str:
    """Sign in and return the address of a frozen version with one run."""
    live_platform.run(DATA)
    sign_in(page, live_platform)
    page.goto(f"{live_platform.url}/projects/outside/composites/")
    page.get_by_role("link", name="Pictures v1").first.click()
    return page.url


def looked_at(page: Page) -> None:
    """Check a page in both sizes and themes: nothing sticks out, and axe finds nothing serious."""
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (page.url, width)
            accessible(page)
    page.set_viewport_size({"width": 1440, "height": 900})


def filled_in(path: Path, classes: list[str]) -> bytes:
    """Return the downloaded file with these classes in turn."""
    table = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["sample", "predicted", "fold", "version_sha256"], extrasaction="ignore")
    writer.writeheader()
    for number, row in enumerate(table):
        writer.writerow({**row, "predicted": classes[number % len(classes)]})
    return text.getvalue().encode()


def test_predictions_of_other_code_become_a_run(page: Page, version_page: str):
    page.get_by_role("link", name="Upload predictions").click()
    upload, template = (
        page.locator("form[method=post][enctype]"),
        page.get_by_role("region", name="File to fill in"),
    )
    expect(upload.get_by_label("Folds")).to_be_hidden()
    upload.get_by_label("Protocol").select_option("kfold")
    expect(upload.get_by_label("Folds")).to_be_visible()
    upload.get_by_label("Protocol").select_option("loso")
    looked_at(page)
    with page.expect_download() as download:
        template.get_by_role("button", name="Download CSV").click()
    path = download.value.path()

    def check(classes: list[str]) -> None:
        content = filled_in(path, classes)
        file = {"name": "theirs.csv", "mimeType": "text/csv", "buffer": content}
        upload.get_by_label("File").set_input_files(file)  # type: ignore[arg-type]
        upload.get_by_role("button", name="Check the file").click()

    check(["negative", "angry"])
    expect(page.get_by_role("alert")).to_contain_text("These predictions cannot be stored: 12 errors")
    expect(page.get_by_text("“angry” is not a class").first).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="upload it again").click()
    check(["negative", "positive", "surprise"])
    expect(page.get_by_text("The 6 folds test one subject each")).to_be_visible()
    looked_at(page)
    page.get_by_role("button", name="Store as a run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("theirs (external)")
    expect(page.locator("h1").get_by_text(MARK)).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="Runs", exact=True).first.click()
    expect(page.get_by_role("row", name="theirs (external)")).to_contain_text(MARK)
