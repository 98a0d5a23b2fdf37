"""A researcher reads a comparison of seven runs, whose figures load when they are scrolled to."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.test_run_list import runs  # noqa: F401

pytestmark = pytest.mark.browser


def scroll_through(page: Page) -> None:
    """Scroll until every figure has loaded."""
    figures = page.locator("mer-figure")
    for number in range(figures.count()):
        figures.nth(number).scroll_into_view_if_needed()
        expect(figures.nth(number)).to_have_attribute("state", re.compile("ready|empty"), timeout=20_000)


def test_a_comparison_can_be_read_part_by_part(page: Page, runs: str):  # noqa: F811
    page.goto(runs)
    boxes = page.locator("#runs tbody input[name='run']")
    values = boxes.evaluate_all("boxes => boxes.map((box) => box.value)")
    chosen = list(dict.fromkeys(values))[::3]  # neighbours in the order of UF1 may predict the same
    page.goto(f"{runs}compare/?{'&'.join(f'run={pk}' for pk in chosen)}")
    last = page.locator("#calibration mer-figure")
    expect(last).to_have_attribute("state", "loading")  # it is far below
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Calibration").click()
    expect(last).to_have_attribute("state", "ready", timeout=20_000)
    expect(page.locator(".section-nav [aria-current]")).to_have_text("Calibration")
    scroll_through(page)

    matrices = page.locator("#matrices")
    page.get_by_label("Difference from #", exact=False).check(force=True)
    expect(matrices).to_have_attribute("src", re.compile("confusion-differences"))
    signed = matrices.locator(".annotation", has_text=re.compile("^[+−]"))
    expect(signed).not_to_have_count(0, timeout=20_000)

    figure = page.locator("#by-subject")
    figure.locator("summary", has_text="Show as table").click()
    expect(figure.locator("tbody tr")).to_have_count(6)  # subjects
    expect(figure.get_by_role("columnheader", name="Disagreement")).to_be_visible()
    expect(page.locator("#disagreements table")).to_be_visible(timeout=20_000)
    accessible(page)

    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    scroll_through(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    accessible(page)
    if folder := os.environ.get("MER_SHOTS"):
        page.screenshot(path=f"{folder}/comparison.png", full_page=True)
