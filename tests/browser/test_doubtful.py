"""A researcher looks at the scores of a batch, sorts them by doubt, and sends doubtful clips to a coder."""

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
DATA = """
from django.contrib.auth.models import User
from django.utils import timezone
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.composites.models import CompositeVersion
from mer_platform.projects.models import Membership, Project
from mer_platform.projects.services import create_project
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.webhooks.services import create_webhook
from models_ml.config import RunConfig
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures
from tests.trained_models import model_of
admin = User.objects.get(username="admin")
project = create_project("Doubtful", admin)
coder, _ = User.objects.get_or_create(username="coder-of-doubt")
Membership.objects.create(project=project, user=coder, role="annotator")
freeze_pictures(project)
version = CompositeVersion.objects.get(composite__project=project)
runs = [finished(version, [i % 3 for i in range(version.samples.count())], admin, seed=seed) for seed in (0, 1)]
classes = ["negative", "positive", "surprise"]
database = Database.objects.create(project=project, name="Field clips", fps=200)
subject = Subject.objects.create(database=database, name="p01")
clips = Clip.objects.bulk_create(
    Clip(project=project, subject=subject, name=f"take-{n:03}", sha256=f"{n:064x}", file=f"clips/{n}.mp4",
         original_name="c.mp4", size=1, state="ready", frame_count=90, fps="200/1", face_frames=[[0, 89]])
    for n in range(120)
)
batch = ScoringBatch.objects.create(project=project, model=model_of(runs[0]), name="Field recordings", state="done",
                                    created_by=admin, finished_at=timezone.now())
ScoringItem.objects.bulk_create(
    ScoringItem(batch=batch, clip=clip, state="done", waits_for="", predicted=classes[n % 3], outcome="expression",
                probabilities=dict(zip(classes, (1 - n / 200, n / 400, n / 400))), confidence=1 - n / 200,
                margin=1 - 3 * n / 400, entropy=n / 130, spotter_confidence=0.5 + n / 300, onset=12, apex=31,
                frames_from="spotted", in_training=n == 1,
                warnings=[{"code": "fps_out_of_range", "detail": "30 fps: the training data has 100 to 200 fps."}]
                if n == 2 else [])
    for n, clip in enumerate(clips[:118])
)
ScoringItem.objects.bulk_create(
    ScoringItem(batch=batch, clip=clip, state="failed", waits_for="", error_code="no_face",
                error="No face was found in the clip.")
    for clip in clips[118:]
)
ScoringItem.objects.filter(clip__name="take-003").update(outcome="no_expression")
ModelVersion.objects.create(project=project, name="Brought along", config=RunConfig().model_dump(mode="json"),
                            file="models/x.safetensors", sha256="0" * 64, classes=classes, features_hash="f" * 64)
create_webhook(project, "https://hooks.example.org/mer", ["run.finished"], admin, "Lab notebook")
"""
LAST = "from mer_platform.projects.models import Project; print(Project.objects.latest('pk').slug)"


@pytest.fixture
def project(live_platform, page: Page) -> str:
    """Sign in and return the address of a project with a batch of 120 clips."""
    live_platform.run(DATA)
    slug = live_platform.run(LAST).strip()
    sign_in(page, live_platform)
    return f"{live_platform.url}/projects/{slug}"


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


def test_doubtful_clips_are_found_and_sent_to_a_coder(page: Page, project: str):
    page.goto(f"{project}/scoring/")
    looked_at(page, "batches")
    page.get_by_role("link", name="Field recordings").click()
    expect(page.locator("#items tbody tr")).to_have_count(50)
    looked_at(page, "batch")
    page.get_by_label("Sort by").select_option(label="Entropy")
    page.get_by_label("Order").select_option(label="Largest first")
    expect(page.locator("#items tbody tr").first).to_contain_text("take-117")
    page.get_by_label("State").select_option(label="Failed")
    expect(page.locator("#items tbody tr")).to_have_count(2)
    assert "state=failed" in page.url
    page.get_by_role("link", name="Code doubtful clips").click()
    expect(page.locator("#saved")).to_contain_text("80% of the wrong ones")
    page.get_by_label("admin").uncheck()
    page.get_by_label("Number of clips").fill("7")
    expect(page.locator("#plan-title")).to_contain_text("7 clips")
    looked_at(page, "doubt")
    page.get_by_role("button", name="Assign 7 clips").click()
    expect(page.get_by_text("Assigned 7 clips, the most doubtful first.")).to_be_visible()


def test_clips_to_score_are_found_by_search(page: Page, project: str):
    page.goto(f"{project}/scoring/new/")
    expect(page.locator("#choose")).to_contain_text("120 clips match")
    page.get_by_label("Search").fill("take-11")
    expect(page.locator("#choose")).to_contain_text("10 clips match")
    looked_at(page, "start")
    page.goto(f"{project}/webhooks/")
    looked_at(page, "webhooks")
    page.get_by_role("link", name="https://hooks.example.org/mer").click()
    looked_at(page, "webhook")
