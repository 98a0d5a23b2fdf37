"""A researcher reads what the settings of a finished grid do, and highlights lines from settings to UF1."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
DATA = """
from django.contrib.auth.models import User
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from models_ml.classes import CLASSES
from models_ml.config import SweepConfig
from tests.api.finished_sweeps import finished_sweep
from tests.pictures import freeze_pictures
if not Project.objects.filter(slug="effects").exists():
    user = User.objects.get(username="admin")
    version = freeze_pictures(create_project("Effects", user))
    true = [CLASSES.index(sample.label) for sample in version.samples.order_by("index")]
    grid = {"net.placement": [1, 2, 3], "net.pooling": ["average", "max"], "train.learning_rate": [1e-3, 1e-4]}
    def predict(run):
        kept = 24 if run.settings.train.learning_rate == 1e-3 else 8 * run.settings.net.placement
        return [label if i < kept else (label + 1) % 3 for i, label in enumerate(true)]
    finished_sweep(version, SweepConfig(grid=grid), user, predict, "Three settings")
"""


def test_effects_are_read_and_lines_highlighted(live_platform, page: Page):
    live_platform.run(DATA)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, live_platform)
    page.goto(f"{live_platform.url}/projects/effects/experiments/")
    page.get_by_role("link", name="Three settings").click()

    expect(page.locator(".effects-text")).to_contain_text("Learning rate has the largest: mean UF1 is")
    table = page.get_by_role("region", name="Effects of the settings")
    expect(table.get_by_role("row", name=re.compile("^0.001"))).to_contain_text("best")
    for name in ("effects-figure", "heat-map", "parallel"):
        expect(page.locator(f"#{name}")).to_have_attribute("state", "ready")
    accessible(page)

    lines = page.locator("#parallel")
    page.get_by_label("Highlight", exact=True).select_option("Placement 3")
    expect(lines.locator(".legendtext").first).to_have_text("other")
    page.get_by_label("Highlight", exact=True).select_option("All configurations")
    expect(lines.locator(".legendtext").first).not_to_have_text("other")
    lines.scroll_into_view_if_needed()
    box = lines.locator(".nsewdrag").bounding_box()
    assert box
    axis = box["x"] + box["width"] * 2.55 / 3.95  # the learning rate, next to UF1
    page.mouse.move(axis - 20, box["y"] + box["height"] * 0.55)
    page.mouse.down()
    page.mouse.move(axis + 20, box["y"] + box["height"] * 0.95, steps=5)
    page.mouse.up()
    expect(lines).to_have_attribute("src", re.compile(r"\?runs=\d+(,\d+){5}$"))
    expect(lines.locator(".legendtext").first).to_have_text("other")

    expect(page.locator("[hx-trigger*=every], mer-folds[active]")).to_have_count(0)  # nothing asks again
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
