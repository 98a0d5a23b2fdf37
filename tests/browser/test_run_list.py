"""A researcher ticks runs on several pages of the list and compares them."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.charts import draw_all_charts
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
DATA = """
from django.contrib.auth.models import User
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.results import results_of
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures
admin = User.objects.get(username="admin")
if not Project.objects.filter(slug="many-runs").exists():
    freeze_pictures(create_project("Many runs", admin))
    version = CompositeVersion.objects.get(composite__project__slug="many-runs")
    size = version.samples.count()
    for seed in range(28):
        run = finished(version, [(i * (seed + 1) + i // 3) % 3 for i in range(size)], admin, seed=seed)
        name = "The needle" if seed == 0 else f"A run with quite a long name of its own, number {seed}"
        type(run).objects.filter(pk=run.pk).update(name=name)
        results_of(run)
"""


@pytest.fixture
def runs(live_platform, page: Page) -> str:
    """Open the list of 28 finished runs; return its address."""
    live_platform.run(DATA)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, live_platform)
    page.goto(f"{live_platform.url}/projects/many-runs/runs/?ordering=-created")
    return page.url.partition("?")[0]


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("MER_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_ticks_survive_paging_filtering_and_reloading(page: Page, runs: str):
    page.get_by_role("checkbox", name="number 27").check()
    expect(page).to_have_url(re.compile(r"run=\d+"))
    page.get_by_role("link", name="Next page").click()
    page.get_by_role("checkbox", name="number 1", exact=False).first.check()
    expect(page.get_by_text("2 of at most 20 runs selected")).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("needle")
    expect(page.locator("#board-rows tbody tr")).to_have_count(1)
    page.get_by_role("checkbox", name="Compare #", exact=False).check()
    expect(page.get_by_text("3 of at most 20 runs selected")).to_be_visible()
    accessible(page)
    page.reload()
    expect(page.get_by_text("3 of at most 20 runs selected")).to_be_visible()
    expect(page.locator("#board-rows tbody tr")).to_have_count(1)
    shot(page, "list")
    page.get_by_role("button", name="Compare selected runs").click()
    expect(page.get_by_role("region", name="Scores").locator("tbody tr")).to_have_count(3)


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_twenty_runs_are_compared_on_one_page(page: Page, runs: str, size: tuple[int, int]):
    ids = page.locator("#runs .is-tick input").evaluate_all(
        "boxes => boxes.slice(0, 20).map(box => box.value)"
    )
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{runs}compare/?" + "&".join(f"run={pk}" for pk in ids))
    draw_all_charts(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    accessible(page)
    shot(page, f"compare-{size[0]}")


def test_the_picker_finds_runs_that_it_does_not_list(page: Page, runs: str):
    page.goto(f"{runs}compare/")
    page.get_by_role("checkbox", name="number 27").check()
    page.get_by_role("searchbox", name="Search all runs").fill("needle")
    expect(page.locator("#offered input")).to_have_count(2)
    expect(page.get_by_role("checkbox", name="number 27")).to_be_checked()
    page.get_by_role("checkbox", name="The needle").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("region", name="Scores").locator("tbody tr")).to_have_count(2)
