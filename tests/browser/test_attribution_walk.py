"""A researcher has the samples of a run attributed, and looks at faces, regions and a sample."""

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
from models_ml.config import RunConfig
from tests.pictures import freeze_pictures
admin = User.objects.get(username="admin")
if not Project.objects.filter(slug="attributed").exists():
    freeze_pictures(create_project("Attributed", admin))
    version = CompositeVersion.objects.get(composite__project__slug="attributed")
    config = RunConfig.model_validate({"net": {"name": "ststnet"}, "train": {"epochs": 5}})
    print("run", services.launch(version, config, admin).pk)
"""


def test_the_networks_of_a_run_are_asked_and_their_answers_are_shown(live_platform, page: Page):
    run = live_platform.run(DATA).rpartition("run ")[2].strip()
    page.set_viewport_size({"width": 1366, "height": 625})
    sign_in(page, live_platform)
    page.goto(f"{live_platform.url}/projects/attributed/runs/{run}/")
    page.get_by_role("link", name="Attribution").click(timeout=90_000)  # there when all folds are done
    expect(page.get_by_text("6 networks kept")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Compute occlusion").click()
    expect(page.get_by_role("heading", name="Mean attribution on the face")).to_be_visible(timeout=90_000)
    expect(page.locator("mer-figure[state=ready]")).to_have_count(3)
    page.get_by_label("Motion", exact=True).select_option("strain")
    expect(page.get_by_text("Occlusion of strain, for the predicted class.").first).to_be_visible()
    page.get_by_label("One sample", exact=True).select_option("7")
    expect(page.get_by_role("heading", name="CASME II/sub02/sub02_3")).to_be_visible()
    expect(page.locator("mer-figure[state=ready]")).to_have_count(3)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("mer-figure[state=ready]")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    accessible(page)
