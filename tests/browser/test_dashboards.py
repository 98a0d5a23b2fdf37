"""Every view of runs, wide and narrow, light and dark: accessible, as wide as the screen, each chart with its numbers."""

import os

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import accessible
from tests.browser.charts import draw_all_charts
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
PROJECT = "dashboards"
DATA = f"""
import numpy as np
from django.contrib.auth.models import User
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from tests.bench._dashboards_fill import experiment
from tests.pictures import freeze_pictures
admin = User.objects.get(username="admin")
if not Project.objects.filter(slug="{PROJECT}").exists():
    version = freeze_pictures(create_project("{PROJECT}", admin))
    for number, size in enumerate((8, 1)):
        experiment(version, size, number, admin, np.random.default_rng(number))
project = Project.objects.get(slug="{PROJECT}")
first = project.experiments.order_by("pk")[0]
print(first.version_id, first.pk, *project.runs.order_by("pk").values_list("pk", flat=True))
"""
SIZES = {"wide, light": (1440, 900, "light"), "narrow, dark": (390, 844, "dark")}


@pytest.fixture(scope="module")
def views(live_platform) -> dict[str, str]:
    version, experiment, *runs = live_platform.run(DATA).split()
    base = f"{live_platform.url}/projects/{PROJECT}"
    chosen = "&".join(f"run={pk}" for pk in runs)
    return {
        "runs": f"{base}/runs/",
        "run": f"{base}/runs/{runs[0]}/",
        "experiments": f"{base}/experiments/",
        "experiment": f"{base}/experiments/{experiment}/",
        "comparison of two runs": f"{base}/runs/compare/?run={runs[0]}&run={runs[1]}",
        "comparison of all runs": f"{base}/runs/compare/?{chosen}",
        "gallery": f"{base}/runs/gallery/?{chosen}",
        "version": f"{base}/composites/{version}/",
    }


def without_numbers(page: Page) -> list[str]:
    """Return the labels of drawn charts that have neither a table of their own nor one in their section."""
    return page.evaluate(
        """() => [...document.querySelectorAll('mer-figure[state=ready]')]
            .filter((chart) => chart.checkVisibility() && !chart.querySelector('details.figure-table')
                && !chart.closest('section, .card, .panel, article, main > div')?.querySelector('table'))
            .map((chart) => chart.getAttribute('label'))"""
    )


@pytest.mark.parametrize("size", SIZES)
def test_every_view_of_runs_is_accessible_and_fits(live_platform, page: Page, views, size):
    width, height, scheme = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, live_platform)
    for name, address in views.items():
        assert page.goto(address).status == 200, name
        draw_all_charts(page)
        if folder := os.environ.get("MER_SHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            f"{name} is wider than the screen"
        )
        accessible(page)
        assert without_numbers(page) == [], name
        assert errors == [], name
