"""The motion display: what the filter draws with WebGL and on the CPU, and what the labeler shows."""

import json
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.signing_in import sign_in
from tests.lab import LabClip, barcode_clips
from tests.live import Api, LivePlatform, wait_until

pytestmark = pytest.mark.browser
PLAIN = """() => {
    const { width, height } = document.querySelector('.labeler-canvas');
    return [...document.querySelector('.labeler-canvas').getContext('2d').getImageData(0, 0, width, height).data];
}"""

# Draws two synthetic images through the filter, with the page's own modules and the given engine.
FILTER = """async ([module, engine, settings]) => {
    const { MotionFilter } = await import(module);
    const [width, height] = [96, 64];
    const image = (moved) => {
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d');
        const pixels = context.createImageData(width, height);
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
            const at = x - (x > 30 && x < 70 && y > 20 && y < 50 ? moved : 0);
            const level = 110 + 30 * Math.sin(at / 5) + 20 * Math.sin(y / 4 + at / 9);
            pixels.data.set([level, level + 12, level - 25, 255], 4 * (y * width + x));
        }
        context.putImageData(pixels, 0, 0);
        return createImageBitmap(canvas);
    };
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d', { alpha: false });
    const filter = new MotionFilter({ width, height }, { gl: engine });
    const [reference, current] = [await image(0), await image(0.5)];
    const shown = () => [...context.getImageData(0, 0, width, height).data];
    filter.reference = reference;
    filter.draw(context, current, settings);
    const seen = shown();
    filter.draw(context, reference, settings);
    const still = shown();
    context.drawImage(current, 0, 0);
    return { engine: filter.engine, seen, still, current: shown() };
}"""


def pixels(flat: list[int], width: int, height: int) -> np.ndarray:
    return np.array(flat, float).reshape(height, width, 4)[..., :3]


@pytest.fixture
def signed_in(page: Page, live_platform: LivePlatform) -> Page:
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_in(page, live_platform)
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()
    return page


def filtered(page: Page, engine: str, **settings: Any) -> dict[str, Any]:
    module = page.evaluate("new URL('/static/js/labeler/seeing/motion-filter.js', location.href).href")
    answer: dict[str, Any] = page.evaluate(FILTER, [module, engine, settings])
    for name in ("seen", "still", "current"):
        answer[name] = pixels(answer[name], 96, 64)
    return answer


@pytest.mark.parametrize("smoothing", [0, 0.5, 2, 8])
@pytest.mark.parametrize("mode", ["magnify", "difference"])
def test_webgl_and_cpu_draw_the_same(signed_in, mode, smoothing):
    webgl = filtered(signed_in, "any", mode=mode, factor=25, smoothing=smoothing)
    if webgl["engine"] != "webgl2":
        pytest.skip("this Chromium has no WebGL2")
    cpu = filtered(signed_in, "none", mode=mode, factor=25, smoothing=smoothing)
    assert cpu["engine"] == "canvas"
    assert np.abs(webgl["seen"] - cpu["seen"]).max() <= 2
    assert np.abs(webgl["seen"] - webgl["current"]).max() > 20


@pytest.mark.parametrize("engine", ["any", "none"])
def test_pixels_change_by_the_factor_where_something_moved(signed_in, engine):
    small, large = (
        filtered(signed_in, engine, mode="magnify", factor=factor, smoothing=0) for factor in (2, 6)
    )
    change = [answer["seen"] - answer["current"] for answer in (small, large)]
    moved = np.zeros((64, 96), bool)
    moved[21:50, 31:70] = True
    assert np.abs(change[0][~moved]).max() <= 1
    assert np.abs(change[0][moved]).max() > 4
    unclipped = moved & (large["seen"] > 0).all(axis=2) & (large["seen"] < 255).all(axis=2)
    assert np.abs(3 * change[0] - change[1])[unclipped].max() <= 4  # three roundings


@pytest.mark.parametrize("engine", ["any", "none"])
def test_the_reference_itself_is_unchanged_magnified_and_grey_as_a_difference(signed_in, engine):
    magnified = filtered(signed_in, engine, mode="magnify", factor=50, smoothing=2)["still"]
    assert np.abs(magnified[10, 10] - magnified[10, 10, 1])[0] > 0  # it has its own colours
    heat = filtered(signed_in, engine, mode="difference", factor=50, smoothing=2)["still"]
    assert np.ptp(heat, axis=2).max() <= 1


class Stage:
    """The labeler's page on one clip."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)
        expect(page.locator("mer-labeler[ready]")).to_be_attached()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go_to(self, frame: int) -> None:
        self.press("g")
        self.page.keyboard.type(str(frame))
        self.press("Enter")
        expect(self.page.locator("[data-readout=index]")).to_have_text(str(frame))

    @property
    def motion(self) -> dict[str, Any]:
        state = self.page.evaluate("JSON.stringify(document.querySelector('mer-labeler').state.motion)")
        found: dict[str, Any] = json.loads(state)
        return found

    @property
    def seen(self) -> np.ndarray:
        width, height = self.page.evaluate(
            "(({width, height}) => [width, height])(document.querySelector('.labeler-canvas'))"
        )
        return pixels(self.page.evaluate(PLAIN), width, height)

    @property
    def status(self) -> str:
        return self.page.locator("[data-motion=status]").inner_text()


@pytest.fixture(scope="module")
def lab(live_platform, tmp_path_factory) -> tuple[str, LabClip]:
    """The address of a clip's page, and the clip's true marks."""
    api: Api = live_platform.api()
    project = api.post("projects/", {"name": "Motion"})["id"]
    database = api.post("databases/", {"project": project, "name": "Lab", "fps": 200})["id"]
    made = barcode_clips(tmp_path_factory.mktemp("motion"), subjects=1, clips_per_subject=2)[0]
    with made.path.open("rb") as file:
        pk = api.post("clips/", {"database": database, "subject": "s1", "fps": 200}, {"file": file})["id"]
    wait_until(lambda: api.get(f"clips/{pk}/")["state"] == "ready", "the clip")
    return f"{live_platform.url}/projects/motion/clips/{pk}/", made


@pytest.fixture
def stage(signed_in, lab) -> Stage:
    return Stage(signed_in, lab[0])


def test_magnification_changes_the_pixels_and_switching_it_off_restores_them(stage, lab):
    spec = lab[1].spec
    stage.go_to(spec.onset)
    stage.press("Shift+r")
    stage.go_to(spec.apex)
    plain = stage.seen
    stage.press("m")
    assert (stage.motion["mode"], stage.motion["reference"]) == ("magnify", spec.onset)
    magnified = stage.seen
    assert np.abs(magnified - plain).max() > 30
    stage.press("'")
    assert stage.motion["factor"] == 13
    assert np.abs(stage.seen - plain).mean() > np.abs(magnified - plain).mean() * 1.1
    stage.press("m")
    assert np.array_equal(stage.seen, plain)


def test_the_magnified_frame_is_the_one_that_the_numbers_name(stage, lab):
    """A frame looks the same however the coder reached it."""
    spec = lab[1].spec
    stage.go_to(spec.onset)
    stage.press("Shift+r", "m")
    stage.go_to(spec.apex)
    seen = stage.seen
    stage.press("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft")
    expect(stage.page.locator("[data-readout=index]")).to_have_text(str(spec.apex))
    assert np.array_equal(stage.seen, seen)


def test_the_difference_has_no_colour_at_the_reference_frame(stage, lab):
    spec = lab[1].spec
    stage.go_to(spec.onset)
    stage.press("Shift+r", "Shift+m")
    assert np.ptp(stage.seen, axis=2).max() <= 1
    stage.go_to(spec.apex)
    assert np.ptp(stage.seen, axis=2).max() > 60


def test_the_onset_becomes_the_reference_once_it_is_set(stage, lab):
    spec = lab[1].spec
    stage.go_to(5)
    stage.press("m")
    assert (stage.motion["reference"], stage.motion["why"]) == (5, "chosen")
    stage.go_to(spec.onset)
    stage.press("1")
    assert (stage.motion["reference"], stage.motion["why"]) == (spec.onset, "onset")
    stage.go_to(spec.onset + 2)
    stage.press("Shift+r")
    assert stage.motion["reference"] == spec.onset + 2
    stage.press("Shift+r")
    assert (stage.motion["reference"], stage.motion["why"]) == (spec.onset, "onset")
    stage.press("Shift+n")
    assert stage.motion["reference"] is None
    expect(stage.page.locator("[data-motion=status]")).to_contain_text("set the onset or choose a frame")


def test_flow_comes_from_a_worker_and_is_drawn_over_the_face(stage, lab):
    spec = lab[1].spec
    stage.go_to(spec.onset)
    stage.press("Shift+r")
    stage.go_to(spec.apex)
    plain = stage.seen
    stage.press("v")
    expect(stage.page.locator("[data-motion=status]")).to_contain_text("Full tint at strain", timeout=60_000)
    changed = np.abs(stage.seen - plain).max(axis=2) > 20
    assert changed.sum() > 50
    assert not changed[:40].any()  # the band above the image is not part of the face
    stage.go_to(spec.onset)
    expect(stage.page.locator("[data-motion=status]")).to_contain_text("no motion")


def test_the_timelines_curves_and_zoom_work_by_keyboard(stage):
    brows = stage.page.locator("[data-curve=brows]")
    brows.focus()
    stage.press("Enter")
    expect(brows).to_have_attribute("aria-pressed", "true")
    wider = stage.page.get_by_role("button", name="Zoom out of the timeline")
    expect(wider).to_be_disabled()
    stage.page.locator(".timeline").focus()
    stage.press("Shift+ArrowUp", "Shift+ArrowUp")
    expect(wider).to_be_enabled()
    stage.press("End")
    head = stage.page.locator(".timeline-playhead").bounding_box()
    line = stage.page.locator(".timeline").bounding_box()
    assert line["x"] < head["x"] < line["x"] + line["width"]  # the view has followed


def test_the_motion_display_fits_a_13_inch_laptop_and_is_accessible(stage):
    stage.press("Shift+m")
    bottom = stage.page.locator(".labeler-controls").bounding_box()
    assert bottom["y"] + bottom["height"] <= 800
    settings = stage.page.locator(".motion").bounding_box()
    view = stage.page.locator(".labeler-stage").bounding_box()
    assert settings["y"] + settings["height"] <= view["y"] + view["height"]
    accessible(stage.page)
