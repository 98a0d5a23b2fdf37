"""A researcher says in the browser which column of a sheet is which."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
SHEET = "subject,video_name,start_frame,apex_frame,end_frame,type_idx,au\ns15,15_0101,1,0,5,1,4+7\n"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_list_of_a_spotting_paper_is_read_after_its_columns_are_chosen(
    live_platform, page: Page, width: int, scheme: str
):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    sign_in(page, live_platform)
    page.get_by_label("Name").fill(f"Columns {width}")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name=f"Columns {width}")).to_be_visible()
    page.goto(f"{page.url}annotations/")
    file = {"name": "spotting.csv", "mimeType": "text/csv", "buffer": SHEET.encode()}
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("All are mine").check()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("heading", name="Which column is which?")).to_be_visible()
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_label("What column C holds")).to_have_value("onset")
    page.get_by_label("What column G holds").select_option("Onset")
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("Onset is column C already")).to_be_visible()
    accessible(page)
    page.get_by_label("What column G holds").select_option("Action units")
    page.get_by_label("No frame is written as").fill("0")
    page.get_by_label("Words and numbers that stand for something").fill("kind: 1 = macro")
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("This project has no clip “15_0101”")).to_be_visible()
    expect(page.get_by_text("Read with a column map: subject from “subject”")).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="Choose columns").click()
    expect(page.get_by_text("These are the choices for an earlier sheet with this header.")).to_be_visible()
    expect(page.get_by_label("Words and numbers that stand for something")).to_have_value("kind: 1 = macro")
