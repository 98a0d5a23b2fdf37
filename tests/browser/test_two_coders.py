"""Two coders and a judge, as they work: a queue each, blind to the other, then both codings side by side, by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import accessible
from tests.lab import LabClip, barcode_clips
from tests.live import Api, LivePlatform, wait_until

pytestmark = pytest.mark.browser
CODERS = ("bea", "cem")
PASSWORD = "correct horse battery 1"

MAKE_CODERS = f"""
from django.contrib.auth.models import User
from mer_platform.projects.models import Project
from mer_platform.projects.services import add_member
from mer_platform.projects.models import Role
admin = User.objects.get(username="admin")
project = Project.objects.get(slug="two-coders")
for name in {CODERS!r}:
    User.objects.create_user(name, password={PASSWORD!r})
    add_member(project, name, Role.ANNOTATOR, admin)
"""


@pytest.fixture(scope="module")
def clips(live_platform: LivePlatform, tmp_path_factory) -> list[tuple[int, LabClip]]:
    """A project with two coders and two ready clips: their ids, and what is true of them."""
    api = live_platform.api()
    project = api.post("projects/", {"name": "Two coders"})["id"]
    live_platform.run(MAKE_CODERS)
    made = barcode_clips(tmp_path_factory.mktemp("clips"), subjects=1, clips_per_subject=2)
    words = sorted({clip.spec.emotion for clip in made})
    database = api.post("databases/", {"project": project, "name": "Lab", "fps": 200, "emotions": words})[
        "id"
    ]
    found = []
    for clip in made:
        with clip.path.open("rb") as file:
            fields = {"database": database, "subject": clip.spec.subject, "fps": 200}
            found.append((api.post("clips/", fields, {"file": file})["id"], clip))
    for pk, _ in found:
        wait_until(lambda pk=pk: api.get(f"clips/{pk}/")["state"] == "ready", f"clip {pk} to be read", 120)
    wish = {"project": project, "coders": list(CODERS), "per_clip": 2, "mixed": False}
    assert api.post("assignments/", wish)["assignments"] == 4
    return found


@pytest.fixture
def judge(chromium: Browser, live_platform: LivePlatform) -> Iterator[Page]:
    yield from _signed_in(chromium, live_platform, "admin", live_platform.password)


@pytest.fixture
def bea(chromium: Browser, live_platform: LivePlatform, clips) -> Iterator[Page]:
    yield from _signed_in(chromium, live_platform, "bea", PASSWORD)


def _signed_in(chromium: Browser, live: LivePlatform, name: str, password: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{live.url}/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    yield page
    context.close()


def code(api: Api, pk: int, clip: LabClip, shift: int, emotion: str) -> None:
    """One coder's coding of a clip, ``shift`` frames from the truth, and done."""
    spec = clip.spec
    marks = {"onset": spec.onset + shift, "apex": spec.apex, "offset": spec.offset}
    api.post("annotations/", {"clip": pk, **marks, "emotion": emotion, "action_units": "4"})
    api.post("assignments/done/", {"clip": pk})


def test_two_coders_and_a_judge(live_platform, clips, bea, judge):
    (first, clip), (second, other) = clips
    url = f"{live_platform.url}/projects/two-coders"
    bea.goto(f"{url}/")
    bea.get_by_role("link", name="Code the next clip").first.click()
    expect(bea).to_have_url(f"{url}/clips/{first}/")
    expect(bea.get_by_role("link", name="My queue")).to_contain_text("0 of 2 done")

    words = [clip.spec.emotion, other.spec.emotion]
    apis = {name: live_platform.api(name) for name in CODERS}
    code(apis["bea"], first, clip, 0, words[0])
    bea.reload()
    expect(bea.get_by_text("cem", exact=True)).to_have_count(0)
    code(apis["cem"], first, clip, 2, words[1])
    code(apis["bea"], second, other, 0, words[1])
    code(apis["cem"], second, other, 4, words[1])
    bea.reload()
    expect(bea.get_by_role("rowheader", name="cem")).to_have_count(1)
    # All are done with it: the timeline shows the other coder's marks.
    # Asked from here: a page under our content security policy may not evaluate what it is to wait for.
    others = "document.querySelector('mer-labeler').state?.others.length"
    wait_until(lambda: bea.evaluate(others) == 1, "the other coder's marks")
    assert bea.evaluate("document.querySelector('mer-labeler').state.others[0].coder") == "cem"
    bea.goto(f"{url}/queue/")
    expect(bea.get_by_text("Your queue is empty: all 2 clips are done.")).to_be_visible()

    judge.goto(f"{url}/agreement/")
    expect(judge.locator("mer-figure[state=ready]")).to_have_count(2)
    accessible(judge)
    judge.goto(f"{url}/judge/")
    expect(judge.get_by_text("2 of 2 clips coded by at least two coders")).to_be_visible()
    accessible(judge)
    judge.get_by_role("link", name="Decide on the first clip").click()
    # The emotions differ: that clip comes first. Its frames are shown, and one key takes a coder's marking.
    expect(judge).to_have_url(f"{url}/clips/{first}/adjudicate/")
    expect(judge.locator("mer-labeler[ready]")).to_be_visible()
    accessible(judge)
    judge.keyboard.press("m")
    expect(judge.locator("[data-field=onset]").first).to_have_value(str(clip.spec.onset + 1))
    judge.keyboard.press("Control+Enter")
    expect(judge.get_by_text("Choose the emotion.")).to_be_visible()
    expect(
        judge.locator("mer-labeler[ready]")
    ).to_be_visible()  # the page was loaded again, and its keys work from here on
    judge.keyboard.press("2")
    judge.keyboard.press("Control+Enter")
    expect(judge).to_have_url(f"{url}/clips/{second}/adjudicate/")

    # The judge sets new marks for the second clip, at the frame of the player.
    expect(judge.locator("mer-labeler[ready]")).to_be_visible()
    judge.keyboard.press("1")
    expect(judge.locator("[data-readout=index]")).to_have_text(str(other.spec.apex))
    judge.keyboard.press("ArrowRight")
    expect(judge.locator("[data-readout=index]")).to_have_text(str(other.spec.apex + 1))
    judge.keyboard.press("a")
    expect(judge.get_by_label("Set new marks")).to_be_checked()
    judge.keyboard.press("Control+Enter")
    expect(judge.get_by_role("heading", name="No clip waits for a judge")).to_be_visible()

    api = live_platform.api()
    agreed = {pk: api.get(f"consensus/?clip={pk}")["results"][0] for pk in (first, second)}
    assert (agreed[first]["onset"], agreed[first]["emotion"]) == (clip.spec.onset + 2, words[1])
    assert (agreed[second]["apex"], agreed[second]["annotation"]) == (other.spec.apex + 1, None)
    assert {row["origin"] for row in agreed.values()} == {"adjudicated"}
