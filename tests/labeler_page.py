"""The labeler in a real browser: the frame number on the page and the number in the pixels, as a coder sees them."""

from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.live import Api, LivePlatform, wait_until

PROBE = Path(__file__).with_name("labeler_probe.js")


def upload_clips(api: Api, project: str, paths: list[Path], fps: float) -> dict[str, dict[str, Any]]:
    """Upload these files into a new project and wait until all are ready. Return the clips by file stem."""
    made = api.post("projects/", {"name": project})
    database = api.post(
        "databases/",
        {"project": made["id"], "name": "Lab", "fps": fps, "emotions": ["happiness", "disgust", "surprise"]},
    )["id"]
    ids = {}
    for path in paths:
        with path.open("rb") as file:
            data = {"database": database, "subject": "s01", "name": path.stem, "fps": fps}
            if path.suffix != ".zip":
                del data["fps"]
            ids[path.stem] = api.post("clips/", data, {"file": (path.name, file)})["id"]

    def processed() -> list[dict[str, Any]] | None:
        rows = [api.get(f"clips/{pk}/") for pk in ids.values()]
        return None if any(row["state"] == "processing" for row in rows) else rows

    rows = wait_until(processed, "the clips to be ready", 300)
    failed = [row["problem"] for row in rows if row["state"] != "ready"]
    assert not failed, failed
    return {name: {**row, "slug": made["slug"]} for name, row in zip(ids, rows, strict=True)}


class LabelerPage:
    """A browser tab with the probe."""

    def __init__(self, context: BrowserContext, platform: LivePlatform) -> None:
        self.url = platform.url
        self.page: Page = context.new_page()
        self.page.set_viewport_size({"width": 1440, "height": 900})
        self.page.add_init_script(path=PROBE)

    def sign_in(self, password: str, username: str = "admin") -> None:
        self.page.goto(f"{self.url}/sign-in/")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "sign-in" not in url)

    def address(self, clip: dict[str, Any]) -> str:
        return f"{self.url}/projects/{clip['slug']}/clips/{clip['id']}/"

    def open(self, clip: dict[str, Any]) -> None:
        """Go to the clip's page and wait for its first frame."""
        self.page.goto(self.address(clip), wait_until="commit")
        self.page.wait_for_selector("mer-labeler[ready]")

    def read(self) -> dict[str, Any]:
        return self.page.evaluate("merProbe.read()")

    @property
    def state(self) -> dict[str, Any]:
        return self.page.evaluate("document.querySelector('mer-labeler').state")

    @property
    def frames(self) -> list[dict[str, Any]]:
        """Every frame shown since the last ``clear``: its time and key, and the numbers on the page and in the pixels."""
        return self.page.evaluate("merProbe.frames")

    def clear(self) -> None:
        self.page.evaluate("merProbe.clear()")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def go_to(self, index: int) -> None:
        self.page.evaluate("index => document.querySelector('mer-labeler').goTo(index)", index)
        self.settle()

    def until(self, condition: str, argument: Any = None, timeout: float = 60) -> None:
        """Wait for a JavaScript condition on ``argument``. (Playwright's own wait evaluates text, which the CSP forbids.)"""
        self.page.evaluate(
            "async ([argument, timeout]) => { const end = performance.now() + 1000 * timeout;"
            f" while (!({condition})) {{ if (performance.now() > end) throw new Error('timed out');"
            " await new Promise((done) => setTimeout(done, 4)); } }",
            [argument, timeout],
        )

    def settle(self) -> None:
        """Wait until the requested frame is on screen."""
        self.until(
            "(s => s && s.index === s.target && !s.playing)(document.querySelector('mer-labeler').state)"
        )

    def everything_loaded(self) -> None:
        """Wait until all frames of the clip are fetched."""
        self.until("(s => s && s.fetched === s.count)(document.querySelector('mer-labeler').state)")

    def walk(self, seed: int, actions: int, times: list[float] | None = None) -> dict[str, Any]:
        return self.page.evaluate(
            "options => merProbe.walk(options)", {"seed": seed, "actions": actions, "times": times}
        )
