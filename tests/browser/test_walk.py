"""A new user's whole path: sign in, upload, label, compose, train, view results, score. Screenshots are kept.

Every frame of the clips has its number in its pixels, so that the frame on the screen, the number on the page, the stored
annotation and the pixels that training reads can be compared.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from models_ml.synthetic.barcode import read_number
from tests.browser.accessibility import accessible
from tests.lab import FIRST_SOURCE_NUMBER, LabClip, barcode_clips

pytestmark = pytest.mark.browser
SHOTS = Path(__file__).resolve().parent.parent.parent / "screenshots"
PATIENCE_MS = 120_000


class Walk:
    """One user's way through the pages. Each page is kept as a screenshot and checked for accessibility."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.shots = page, url, 0
        SHOTS.mkdir(exist_ok=True)

    def shot(self, name: str) -> None:
        self.shots += 1
        self.page.screenshot(path=SHOTS / f"{self.shots:02}-{name}.png")
        accessible(self.page)

    def sign_in(self, username: str, password: str) -> None:
        self.page.goto(self.url)
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()

    def make_project(self, name: str) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Create project").click()
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()
        self.shot("empty-project")

    def make_database(self, name: str, emotions: list[str]) -> None:
        self.page.get_by_role("link", name="database").first.click()
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Frames per second").fill("200")
        self.page.get_by_label("Emotions").fill(", ".join(emotions))
        self.page.locator("main form button[type=submit]").click()
        expect(self.page.get_by_role("heading", name="Upload clips")).to_be_visible()

    def upload(self, subject: str, clips: list[LabClip]) -> None:
        self.page.get_by_label("Subject").fill(subject)
        self.page.get_by_label("Recording rate").fill("200")
        self.page.locator("input[type=file]").set_input_files([clip.path for clip in clips])
        self.page.locator("mer-upload button[type=submit]").click()
        expect(self.page.locator(".upload[data-state=done]")).to_have_count(len(clips), timeout=PATIENCE_MS)

    def clips_are_ready(self, count: int) -> None:
        self.page.get_by_role("link", name="Clips", exact=True).first.click()
        expect(self.page.locator(".clip-state.is-ready")).to_have_count(count, timeout=PATIENCE_MS)
        self.shot("clips")

    def canvas_number(self) -> int:
        """Return the number burnt into the pixels on the canvas."""
        data = self.page.evaluate(
            """() => {
                const canvas = document.querySelector('.labeler-canvas');
                return canvas.toDataURL('image/png').split(',')[1];
            }"""
        )
        image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        return read_number(image)

    def go_to(self, frame: int) -> None:
        self.page.keyboard.press("g")
        self.page.keyboard.type(str(frame))
        self.page.keyboard.press("Enter")
        expect(self.readout("index")).to_have_text(str(frame))

    def readout(self, name: str) -> Locator:
        return self.page.locator(f"[data-readout={name}]")

    def label(self, clip: LabClip) -> None:
        """Mark one clip by keyboard. At each mark, the pixels must be the frame that the page names."""
        self.page.locator(".clip-name", has_text=re.compile(rf"^{clip.path.stem}$")).click()
        expect(self.readout("index")).to_have_text("0")
        first = FIRST_SOURCE_NUMBER if clip.path.suffix == ".zip" else 1
        for key, frame in (("1", clip.spec.onset), ("2", clip.spec.apex), ("3", clip.spec.offset)):
            self.go_to(frame)
            assert self.canvas_number() == frame
            expect(self.readout("source")).to_have_text(str(first + frame))
            self.page.keyboard.press(key)
        self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("Shift+ArrowLeft")
        expect(self.readout("index")).to_have_text(str(clip.spec.offset - 9))
        assert self.canvas_number() == clip.spec.offset - 9
        self.page.get_by_role("button", name=clip.spec.emotion).click()
        expect(self.page.locator(".labeler-save")).to_have_attribute("data-state", "saved")


@pytest.fixture(scope="module")
def lab_clips(tmp_path_factory) -> list[LabClip]:
    return barcode_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def walk(live_platform, page) -> Iterator[Walk]:
    page.set_viewport_size({"width": 1440, "height": 900})
    return Walk(page, live_platform.url)


def test_a_new_user_walks_from_nothing_to_scored_clips(walk, live_platform, lab_clips):
    page = walk.page
    walk.sign_in("admin", live_platform.password)
    walk.make_project("Walk")
    walk.make_database("Lab", sorted({clip.spec.emotion for clip in lab_clips}))
    for subject in sorted({clip.spec.subject for clip in lab_clips}):
        page.goto(f"{walk.url}/projects/walk/clips/upload/")
        walk.upload(subject, [clip for clip in lab_clips if clip.spec.subject == subject])
    walk.shot("uploaded")
    walk.clips_are_ready(len(lab_clips))
    for clip in lab_clips:
        page.goto(f"{walk.url}/projects/walk/clips/")
        walk.label(clip)
    walk.shot("labelled")

    page.get_by_role("link", name="Composites").first.click()
    page.locator("main").get_by_role("link", name=re.compile("compose|new version", re.I)).first.click()
    expect(page.get_by_text(f"{len(lab_clips)} samples of 2 subjects")).to_be_visible()
    page.get_by_label("Name").fill("Lab set")
    walk.shot("builder")
    page.get_by_role("button", name="Freeze version").click()
    expect(page.get_by_role("heading", name="Lab set v1")).to_be_visible()
    walk.shot("version")

    page.get_by_role("link", name="Train on this version").click()
    page.get_by_label("Kernels").fill("2, 9")
    expect(page.get_by_text("Kernel 9 is larger than the").first).to_be_visible()
    walk.shot("kernel-too-large")
    page.get_by_label("Kernels").fill("2, 3")
    page.get_by_text("Training", exact=True).first.click()
    page.get_by_label("Epochs").fill("3")
    page.get_by_role("button", name="Launch run").click()
    expect(page.locator(".stat-label", has_text="UF1")).to_be_visible(timeout=PATIENCE_MS)
    # The page loads itself once more when the model is trained: what is looked at before that may vanish.
    expect(page.get_by_role("link", name="Score clips with this model")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("mer-figure .plot-container").first).to_be_visible()
    walk.shot("run")

    page.get_by_role("link", name="Score clips with this model").click()
    page.get_by_role("button", name=f"Score all {len(lab_clips)}").click()
    expect(page.get_by_role("cell", name="annotated").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("meter")).to_have_count(3 * len(lab_clips), timeout=PATIENCE_MS)
    walk.shot("scored")

    page.goto(f"{walk.url}/tokens/")
    page.get_by_label("Purpose").fill("walk")
    page.get_by_role("button", name="Create token").click()
    token = page.locator("#new-token").inner_text()
    check_that_the_api_agrees(walk.url, token, lab_clips)
    check_that_training_used_the_labelled_frames(live_platform, lab_clips)


def check_that_the_api_agrees(url: str, token: str, clips: list[LabClip]) -> None:
    def get(path: str) -> dict:
        answer = requests.get(
            f"{url}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        answer.raise_for_status()
        return answer.json()

    project = next(row["id"] for row in get("projects/")["results"] if row["name"] == "Walk")
    names = {row["id"]: row["name"] for row in get(f"clips/?project={project}")["results"]}
    stored = {
        names[pk]: (row["onset"], row["apex"], row["offset"])
        for pk in names
        for row in get(f"annotations/?clip={pk}")["results"]
    }
    assert stored == {clip.path.stem: (clip.spec.onset, clip.spec.apex, clip.spec.offset) for clip in clips}
    item = get(f"scoring-batches/{get('scoring-batches/')['results'][0]['id']}/items/")["results"][0]
    assert sum(item["probabilities"].values()) == pytest.approx(1)


SPY = """
import json
from mer_platform.composites.models import Sample
from models_ml.config import FeatureConfig
from models_ml.synthetic.barcode import read_number
from models_ml.motion import clips
from workers import feature_cache

seen = {}
def spy(onset, apex, config, **names):
    seen[sample.clip.name] = [read_number(onset), read_number(apex)]
    return real(onset, apex, config, **names)

real, clips.aligned_pair = clips.aligned_pair, spy
feature_cache.load_features = lambda name: None
for sample in Sample.objects.filter(version__composite__project__slug="walk").select_related("clip"):
    feature_cache.load_samples([sample], FeatureConfig())
print(json.dumps(seen))
"""


def check_that_training_used_the_labelled_frames(live_platform, clips: list[LabClip]) -> None:
    """Run the code that loads samples for training again, and read the numbers in the pixels that it uses."""
    seen = json.loads(live_platform.manage("shell", "-v0", "-c", SPY).strip().splitlines()[-1])
    assert seen == {clip.path.stem: [clip.spec.onset, clip.spec.apex] for clip in clips}
