"""A platform with clips to code, and a coder who uses a browser."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.browser.signing_in import sign_in
from tests.lab import LabClip, barcode_clips
from tests.live import Api, LivePlatform, wait_until

EMOTIONS = ["happiness", "disgust", "repression", "surprise", "fear", "sadness", "others"]

# Counts key presses as a person makes them: a held key counts once; Shift and Ctrl belong to the key they change.
COUNT_PRESSES = """addEventListener('keydown', (event) => {
    if (event.repeat || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
    sessionStorage.presses = Number(sessionStorage.presses || 0) + 1;
}, true)"""


@dataclass
class LabelingLab:
    """Clips of one subject, ready to be coded."""

    live: LivePlatform
    api: Api
    clips: list[LabClip]
    ids: list[int]

    @classmethod
    def make(cls, live: LivePlatform, folder: Path) -> "LabelingLab":
        api = live.api()
        project = api.post("projects/", {"name": "Labeling"})["id"]
        database = api.post(
            "databases/", {"project": project, "name": "Lab", "fps": 200, "emotions": EMOTIONS}
        )["id"]
        clips = barcode_clips(folder, subjects=1)
        ids = []
        for clip in clips:
            with clip.path.open("rb") as file:
                fields = {"database": database, "subject": clip.spec.subject, "fps": 200}
                ids.append(api.post("clips/", fields, {"file": file})["id"])
        wait_until(lambda: all(c["state"] == "ready" for c in api.get("clips/")["results"]), "the clips")
        return cls(live, api, clips, ids)

    def url(self, number: int) -> str:
        return f"{self.live.url}/projects/labeling/clips/{self.ids[number]}/"

    def stored(self, number: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.api.get(f"annotations/?clip={self.ids[number]}")["results"]
        return rows

    def forget(self) -> None:
        """Delete every annotation. First sign all browsers out: a closed page may still be sending its last save."""
        self.live.sign_everyone_out()
        self.live.run(
            "from mer_platform.annotation.models import Annotation as A; A.everything.all().delete()"
        )


class CoderBrowser:
    """One coder's browser, used by keyboard."""

    def __init__(self, browser: Browser, lab: LabelingLab) -> None:
        self.lab = lab
        self.context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 800})
        self.page: Page = self.context.new_page()
        sign_in(self.page, lab.live)
        expect(self.page.get_by_role("heading", name="Projects")).to_be_visible()

    def suggest(self, offers: dict[int, tuple[int, int, int]]) -> None:
        """Replace the spotter's suggestions: these for the clips with these numbers, none for the others."""
        answers = {
            self.lab.ids[n]: dict(zip(("onset", "apex", "offset"), o, strict=True)) for n, o in offers.items()
        }
        for pk in self.lab.ids:
            rows = [{**answers[pk], "confidence": 0.8}] if pk in answers else []
            page = {"count": len(rows), "next": None, "previous": None, "results": rows}
            self.context.route(f"**/clips/{pk}/suggestions/?page_size=*", partial(_answer, page))

    def open(self, number: int) -> None:
        self.page.goto(self.lab.url(number))
        self.is_open(number)

    def is_open(self, number: int) -> None:
        """Wait until the clip is on screen and the coder's annotations are loaded."""
        self.page.wait_for_url(self.lab.url(number))
        expect(self.page.locator("mer-labeler[ready]")).to_be_attached()
        expect(self.save_box).not_to_have_attribute("data-state", "loading")

    @property
    def save_box(self) -> Locator:
        return self.page.locator(".labeler-save")

    def is_saved(self) -> None:
        expect(self.save_box).to_have_attribute("data-state", "saved", timeout=40_000)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def hold(self, key: str, times: int) -> None:
        """Hold a key until it has repeated this many times."""
        for _ in range(times):
            self.page.keyboard.down(key)
        self.page.keyboard.up(key)

    def go_to(self, frame: int) -> None:
        self.press("g")
        self.page.keyboard.type(str(frame))
        self.press("Enter")
        expect(self.page.locator("[data-readout=index]")).to_have_text(str(frame))

    def mark(self, onset: int, apex: int, offset: int) -> None:
        for key, frame in (("1", onset), ("2", apex), ("3", offset)):
            self.go_to(frame)
            self.press(key)

    @property
    def message(self) -> Locator:
        return self.page.locator(".labeler-message")

    def emotion_key(self, emotion: str) -> str:
        return self.page.locator(f'[data-key="emotion:{emotion}"]').inner_text().lower()


def _answer(body: dict[str, Any], route: Route) -> None:
    route.fulfill(json=body)
