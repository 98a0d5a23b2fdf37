"""A researcher ranks runs: sorts, filters, adds a condition, groups seeds, pins a baseline and saves the view."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
LONG = "A name of one hundred and twenty characters, because everything about the run had to be said in the name, up to here"
DATA = f"""
from django.contrib.auth.models import User
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from tests.api.leaderboard_lab import run_with_errors
from tests.pictures import freeze_pictures
admin = User.objects.get(username="admin")
if not Project.objects.filter(slug="ranked").exists():
    version = freeze_pictures(create_project("Ranked", admin))
    for wrong, net, seed in ((3, "ststnet", 0), (5, "ststnet", 1), (9, "rcn_a", 0), (16, "majority", 0)):
        run_with_errors(version, wrong, admin, net={{"name": net}}, seed=seed)
    run_with_errors(version, 0, admin, net={{"name": "majority"}}, protocol="lodo")
    Run.objects.filter(pk=Run.objects.filter(project__slug="ranked").first().pk).update(name={LONG!r})
"""


@pytest.fixture
def runs(live_platform, page: Page) -> str:
    """Open the leaderboard; return its address."""
    live_platform.run(DATA)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, live_platform)
    page.goto(f"{live_platform.url}/projects/ranked/runs/")
    return page.url


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("MER_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_researcher_ranks_runs_and_keeps_the_view(page: Page, runs: str):
    rows = page.locator("#board-rows tbody tr")
    expect(page.get_by_text("Each has ranks of its own")).to_be_visible()
    accessible(page)
    page.get_by_role("link", name="Pictures v1, leave one subject out").click()
    expect(rows).to_have_count(4)

    network = page.locator("details.menu", has_text="Network").first
    network.locator("summary").press("Enter")  # the menus work from the keyboard
    network.get_by_label("STSTNet").focus()
    page.keyboard.press("Space")
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"network=ststnet"))
    page.get_by_role("link", name="Remove the filter STSTNet").click()
    expect(rows).to_have_count(4)

    page.get_by_text("Add a condition").click()
    page.get_by_label("Score or setting").select_option("uf1")
    page.get_by_label("Condition", exact=True).select_option(">")
    page.get_by_label("Value").fill("0.3")
    page.get_by_role("button", name="Add the condition").click()
    expect(page).to_have_url(re.compile(r"where=uf1%3E0\.3"))
    page.get_by_role("link", name="UAR").first.click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("UAR")

    page.get_by_role("button", name=re.compile("Pin .*RCN-A.* as the baseline")).click()
    expect(page.get_by_text("is now the baseline of its version and protocol")).to_be_visible()
    expect(page.locator("tr.is-baseline")).to_have_count(1)
    expect(page.get_by_role("columnheader", name="UF1 − baseline")).to_be_visible()
    page.get_by_role("link", name="Group seeds").click()
    expect(page.get_by_text("2 seeds,")).to_be_visible()
    page.get_by_role("link", name=re.compile("STSTNet")).first.click()
    expect(page.locator("tr.is-member")).to_have_count(2)
    accessible(page)
    shot(page, "leaderboard")

    page.locator("summary", has_text="Views").click()
    page.get_by_label("Save this table as").fill("Best by subject")
    page.get_by_role("button", name="Save the view").click()
    expect(page.locator("summary", has_text="View: Best by subject")).to_be_visible()
    page.goto(runs)
    page.locator("summary", has_text="Views").click()
    page.get_by_role("link", name="Best by subject").click()
    expect(page).to_have_url(re.compile(r"group=seeds"))
    expect(page.locator("th[aria-sort=descending]")).to_have_text("UAR")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_leaderboard_fits_a_phone(page: Page, runs: str, scheme: str):
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for menu in ("Columns", "Sort", "Add a condition", "More"):
        page.locator("summary", has_text=menu).first.click()
        panel = page.locator("details[open] .menu-panel").first
        expect(panel).to_be_visible()
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        page.keyboard.press("Escape")
    accessible(page)
    shot(page, f"leaderboard-{scheme}")
