"""A researcher launches a grid in the browser, follows and pauses it, and reads which configuration is best."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
PATIENCE_MS = 60_000
DATA = """
from django.contrib.auth.models import User
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from tests.pictures import freeze_pictures
from tests.browser.accessibility import accessible
if not Project.objects.filter(slug="grid").exists():
    freeze_pictures(create_project("Grid", User.objects.get(username="admin")))
"""


@pytest.fixture
def project(live_platform, page: Page) -> str:
    """Open the page of a project with a version of 24 flow pictures of six subjects."""
    live_platform.run(DATA)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, live_platform)
    page.get_by_role("link", name="Grid").first.click()
    expect(page.get_by_role("heading", name="Grid")).to_be_visible()
    return page.url


def test_the_study_of_the_source_paper_is_three_clicks_from_the_project(page: Page, project: str):
    page.get_by_role("link", name="Start a run").first.click()
    page.get_by_role("radio", name=re.compile("Where and how to pool")).check()
    expect(page.get_by_role("button", name="Launch 25 runs")).to_be_enabled()
    expect(page.locator("#check")).to_contain_text("25 runs, about")
    expect(page.get_by_label("Kernels")).to_be_hidden()


def test_a_grid_is_launched_followed_paused_and_answered(page: Page, project: str):
    page.goto(f"{project}runs/new/")
    page.get_by_role("radio", name="A grid of your own").check()
    for row, (setting, values) in enumerate([("Kernels", "2 | 2,9"), ("Placement", "1, 2")]):
        page.get_by_label("Setting to vary").nth(row).select_option(setting)
        page.get_by_label("Values", exact=True).nth(row).fill(values)
    expect(page.locator("#axis-1_errors")).to_contain_text("Kernel 9 is larger than the 6×6 map")
    accessible(page)
    page.get_by_label("Values", exact=True).first.fill("2 | 2,3")
    page.get_by_role("spinbutton", name="Epochs").fill("5")
    page.get_by_role("button", name="Launch 4 runs").click()

    expect(page.get_by_role("heading", name="Kernels × Placement")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("h1 .badge")).to_have_text("paused")
    accessible(page)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".is-matrix [data-done]")).to_have_text(["6 of 6"] * 4, timeout=PATIENCE_MS)
    expect(page.locator("h1 .badge")).to_have_text("finished", timeout=PATIENCE_MS)

    expect(page.locator(".answer")).to_contain_text("Its probability of being the best is")
    expect(page.get_by_role("region", name="Configurations by UF1").locator("tbody tr")).to_have_count(4)
    expect(page.locator("#heat-map")).to_have_attribute("state", "ready")
    page.locator(".is-matrix canvas").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".fold-words")).to_contain_text("CASME II/sub02 held out")
    accessible(page)
    assert buttons_of_charts(page) & {"Zoom", "Pan"}
    page.get_by_role("region", name="Configurations by UF1").get_by_role("link").first.click()
    assert buttons_of_charts(page)


def buttons_of_charts(page: Page) -> set[str]:
    """Press all buttons above all charts, and return their names. The ``page`` fixture sees whom they contact."""
    expect(page.locator("mer-figure[state=loading]:not([lazy])")).to_have_count(0)
    names = set()
    for figure in page.locator("mer-figure[state=ready]").all():
        figure.scroll_into_view_if_needed()
        figure.hover()
        for button in figure.locator(".modebar-btn").all():
            names.add(button.get_attribute("data-title") or "")
            button.click()
            figure.hover()
    assert not [name for name in names if re.search("share|cloud|chart studio|edit", name, re.I)]
    return names


LAUNCH = """
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from models_ml.config import SweepConfig
version = CompositeVersion.objects.get(composite__project__slug="grid")
sweep = SweepConfig(base={"net": {"name": "ststnet"}}, grid={"train.learning_rate": [1e-3, 2e-3]})
services.launch_experiment(version, sweep, None, "For a GPU", device="gpu")
"""
FAIL = """
from mer_platform.experiments import steps
from mer_platform.experiments.models import Run
run = Run.objects.filter(experiment__name="For a GPU").first()
steps.fail_runs(run.experiment_id, Run.objects.filter(pk=run.pk), "the disk is full")
"""


def test_a_failed_run_is_shown_and_runs_again_while_the_others_wait(live_platform, page: Page, project: str):
    live_platform.run(LAUNCH)  # no worker has one
    page.goto(f"{project}experiments/")
    page.get_by_role("link", name="For a GPU").click()
    expect(page.locator(".is-matrix [data-state]")).to_have_text(["waiting"] * 2, timeout=PATIENCE_MS)
    expect(page.locator("#failed")).to_be_hidden()
    live_platform.run(FAIL)
    expect(page.locator("#failed")).to_contain_text("1 run failed.")
    expect(page.locator("#failed")).to_contain_text("the disk is full")
    accessible(page)
    page.get_by_role("button", name=re.compile("^Run #.* again$")).click()
    expect(page.get_by_text("will run again. Its finished folds are kept.")).to_be_visible()
    expect(page.locator("#failed")).to_be_hidden()
    expect(page.locator("h1 .badge")).to_have_text("running")
