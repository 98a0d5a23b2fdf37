"""A researcher names, tags, notes on, stars and archives runs and experiments, and deletes many after a preview."""

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
DATA = """
from django.contrib.auth.models import User
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from models_ml.config import SweepConfig
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures
admin = User.objects.get(username="admin")
freeze_pictures(create_project("Managed", admin))
version = CompositeVersion.objects.get(composite__project__slug="managed")
for seed in range(4):
    finished(version, [0] * version.samples.count(), admin, seed=seed)
for name in ("Positions", "Mistake"):
    experiment = services.launch_experiment(version, SweepConfig(grid={"net.placement": [1, 2]}), admin, name)
    services.cancel_experiment(experiment, admin)
"""


@pytest.fixture
def project(live_platform, page: Page) -> str:
    """Sign in and return the address of a project with four runs and two experiments."""
    live_platform.run(DATA)
    sign_in(page, live_platform)
    return f"{live_platform.url}/projects/managed"


def looked_at(page: Page, name: str) -> None:
    """Check a page in both sizes and themes: nothing sticks out, and axe finds nothing serious."""
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wide) <= 0, (name, width)
            accessible(page)
            if folder := os.environ.get("MER_SHOTS"):
                page.screenshot(path=f"{folder}/{name}-{width}-{theme}.png")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_runs_and_experiments_are_managed_and_deleted(page: Page, project: str):
    page.goto(f"{project}/runs/")
    page.locator("#board-rows th a[href*='/runs/']").first.click()
    managed = page.locator("#managed")
    managed.get_by_text("Rename", exact=True).first.click()
    page.get_by_label("Name of this run").fill("Base line of the paper")
    managed.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Base line of the paper")
    managed.get_by_text("Add tags").click()
    page.get_by_label("Tags").fill("MEGC, draft")
    looked_at(page, "tags")
    page.get_by_role("button", name="Save tags").click()
    expect(managed.get_by_role("link", name="draft")).to_be_visible()
    managed.get_by_role("button", name="Star").click()
    expect(managed.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    managed.get_by_role("link", name="Add a note").click()
    page.get_by_label("Note").fill("First line\n\nsecond line")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_role("region", name="Note").locator("p")).to_have_text("First line\n\nsecond line")
    managed.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("This run was archived")).to_be_visible()
    looked_at(page, "run")
    page.goto(f"{project}/runs/")
    expect(page.get_by_text("Base line of the paper")).to_have_count(0)

    page.get_by_text("Manage runs").click()
    page.get_by_label("All 7 runs that match the filters").check()
    looked_at(page, "bulk")
    page.locator("#bulk-runs").get_by_label("Tags").fill("round 1")
    page.get_by_role("button", name="Add tags").click()
    expect(page.get_by_text("7 runs tagged with “round 1”.")).to_be_visible()

    page.goto(f"{project}/experiments/")
    page.get_by_role("checkbox", name="Mistake").check()
    page.get_by_text("Manage experiments").click()
    looked_at(page, "experiments")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mistake")
    expect(page.get_by_role("region", name="What goes")).to_contain_text("2 runs")
    looked_at(page, "delete")
    page.get_by_role("button", name="Delete experiment").click()
    expect(page.get_by_role("link", name="Positions")).to_be_visible()
    expect(page.get_by_role("link", name="Mistake")).to_have_count(0)
    page.goto(f"{project}/tags/")
    looked_at(page, "tag-list")
