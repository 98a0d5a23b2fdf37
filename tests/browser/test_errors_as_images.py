"""A researcher walks through the errors of two runs as images, by key, and opens a clip at its apex."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
FOCUSED = ".gallery-card a:focus"
DATA = """
import numpy as np
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.clips.packindex import write_index
from mer_platform.composites.services import freeze
from mer_platform.experiments.results import results_of
from mer_platform.features.models import FeatureSet
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
from models_ml.motion.colours import png, signed_colours
from tests.api.finished_runs import finished
from tests.fake_packs import fake_index

WORDS = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}


def make(admin):
    project = create_project("Errors", admin)
    database = Database.objects.create(project=project, name="CASME II", fps=200, emotions=list(WORDS))
    for number in range(30):
        person, _ = Subject.objects.get_or_create(database=database, name=f"sub{number // 5:02}")
        sha256 = f"{number:064x}"
        clip = Clip.objects.create(
            project=project, subject=person, name=f"EP{number:02}", sha256=sha256, file=f"clips/{sha256}.mp4",
            original_name="x.mp4", size=1, state="ready", frame_count=100, fps="200/1", width=64, height=48,
            face_frames=[[0, 99]],
        )
        default_storage.save(clip.pack_name, ContentFile(bytes(1000)))
        write_index(clip, fake_index(100))
        emotion = list(WORDS)[number % 3]
        Consensus.objects.create(clip=clip, onset=10, apex=20, offset=30, emotion=emotion, origin="adopted")
    version = freeze(project, "Thirty", [database], {database.name: WORDS}, admin)
    first = finished(version, [(i + 1) % 3 for i in range(30)], admin)
    second = finished(version, [0] * 30, admin, seed=1)
    for run in (first, second):
        results_of(run)
    features = FeatureSet.objects.create(
        version=version, config=first.config["features"], config_hash=first.features_hash, state="ready",
        summary={"scales": {"clip": {"flow": 1.5, "strain": 0.1}}, "measures": {}, "outliers": []},
    )
    wave = np.sin(np.linspace(0, 6, 28 * 28, dtype=np.float32)).reshape(28, 28)
    for index in range(1, 30):  # those of the first sample were removed
        for part in ("onset", "apex", "u", "v", "strain"):
            content = png(signed_colours(wave * (index % 3 + 1) / 3, 1.0))
            default_storage.save(features.image_name(index, part), ContentFile(content))


if not Project.objects.filter(slug="errors").exists():
    make(User.objects.get(username="admin"))
"""


@pytest.fixture
def gallery(live_platform, page: Page) -> Page:
    """Open what the two runs disagree on."""
    live_platform.run(DATA)
    page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(page, live_platform)
    page.goto(f"{live_platform.url}/projects/errors/runs/")
    runs = page.locator("#runs input[name=run]").evaluate_all("boxes => boxes.map(box => box.value)")
    page.goto(
        f"{live_platform.url}/projects/errors/runs/gallery/?" + "&".join(f"run={pk}" for pk in sorted(runs))
    )
    expect(page.get_by_role("heading", name="Errors as images")).to_be_visible()
    return page


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("MER_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_errors_are_walked_by_key_and_open_in_a_large_view(gallery: Page):
    page = gallery
    cards = page.locator(".gallery-card")
    expect(cards).to_have_count(20)
    order = cards.locator("[data-large]").evaluate_all("links => links.map(link => link.id)")
    expect(page.locator(".gallery-card img").last).to_have_js_property(
        "complete", False
    )  # until it is scrolled to
    expect(page.locator(".gallery-missing")).to_have_count(5)
    accessible(page)

    page.keyboard.press("j")
    expect(page.locator(FOCUSED)).to_have_id(order[0])
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(page.locator(FOCUSED)).to_have_id(order[4])  # three columns
    page.keyboard.press("K")
    expect(page.locator(FOCUSED)).to_have_id(order[3])
    expect(page).to_have_url(re.compile(f"#{order[3]}$"))

    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("tbody tr")).to_have_count(2)
    expect(dialog.get_by_role("heading")).to_have_text(page.locator(f"#{order[3]}").text_content() or "")
    expect(dialog.get_by_role("button", name="Stop the flicker")).to_be_visible()
    page.keyboard.press("f")
    expect(dialog.get_by_role("button", name="Flicker", exact=True)).to_be_visible()
    accessible(page)
    shot(page, "gallery-dialog")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("status").get_by_text("sample 5 of 20")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(FOCUSED)).to_have_id(order[4])

    page.keyboard.press("o")
    expect(page.locator(".prediction-note")).to_contain_text(re.compile(r"predicts\s+\w+\s+\(0\.80\)"))
    expect(page.locator("mer-labeler")).to_have_attribute("frame", "20")
    page.go_back()
    expect(page).to_have_url(re.compile(f"#{order[4]}$"))
    expect(page.locator(FOCUSED)).to_have_id(order[4])


def test_filters_keep_the_runs_and_paging_continues_by_key(gallery: Page):
    page = gallery
    page.get_by_role("link", name=re.compile("All samples")).click()
    expect(page.locator(".gallery-card")).to_have_count(24)
    page.keyboard.press("j")
    page.locator(".gallery-card [data-large]").last.focus()
    page.keyboard.press("j")
    expect(page.locator(".gallery-card")).to_have_count(6)
    expect(page.locator(FOCUSED)).to_have_count(1)
    page.keyboard.press("k")
    expect(page.locator(".gallery-card")).to_have_count(24)
    page.get_by_label("Sort by").select_option("order")
    expect(page.locator(".gallery-card").first.locator(".gallery-missing")).to_have_text(
        ["No longer stored"] * 5
    )
    page.get_by_label("True class").select_option("surprise")
    expect(page.locator(".gallery-card")).to_have_count(10)
    expect(page).to_have_url(re.compile(r"run=\d+&run=\d+.*true=surprise"))
    expect(page.get_by_label("Predicted class").locator("option")).to_contain_text(
        ["All", "Negative (10)", "Positive (0)", "Surprise (0)"]
    )


def test_charts_of_a_run_lead_to_their_samples(gallery: Page):
    page = gallery
    page.get_by_text("Which runs").locator("..").get_by_role("link").first.click()
    confusion = page.locator("mer-figure[label='Confusion matrix']")
    expect(confusion).to_have_attribute("state", "ready")
    confusion.get_by_text("Show as table").click()
    confusion.locator("tbody tr").first.get_by_role("link").nth(1).click()
    expect(page.locator(".gallery-card")).to_have_count(10)
    expect(page).to_have_url(re.compile("true=negative&predicted=positive"))
    page.go_back()
    subjects = page.locator("mer-figure[label='Share correct by subject']")
    expect(subjects).to_have_attribute("state", "ready")
    subjects.get_by_text("Show as table").click()
    subjects.get_by_role("row", name="sub03").get_by_role("link").click()
    expect(page.locator(".gallery-card")).to_have_count(5)
    page.go_back()
    expect(confusion).to_have_attribute("state", "ready")
    confusion.locator(".nsewdrag").click()  # the cell in the middle: positive, predicted to be so
    expect(page.get_by_text("No sample matches")).to_be_visible()


def test_cells_of_a_comparison_lead_to_their_samples(gallery: Page):
    page = gallery
    page.get_by_role("link", name="Compare these runs").click()
    by_subject = page.locator("mer-figure#by-subject")
    by_subject.scroll_into_view_if_needed()
    expect(by_subject).to_have_attribute("state", "ready")
    by_subject.get_by_text("Show as table").click()
    by_subject.get_by_role("row", name="sub03").get_by_role("link").last.click()
    expect(page.locator(".gallery-card")).to_have_count(5)
    expect(page).to_have_url(re.compile(r"by=\d+&kind=all&subject=CASME%20II%2Fsub03"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gallery_fits_a_phone_and_follows_reduced_motion(gallery: Page, scheme):
    page = gallery
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".gallery-card [data-large]").first.click()
    dialog = page.get_by_role("dialog")
    expect(
        dialog.get_by_role("button", name="Flicker", exact=True)
    ).to_be_visible()  # it does not move by itself
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    accessible(page)
    shot(page, f"gallery-phone-{scheme}")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_role("status").get_by_text("sample 2 of 20")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    accessible(page)
