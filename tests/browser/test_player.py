"""The player in a real browser: the number on the page is always the number in the pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.signing_in import sign_in
from tests.labeler_page import LabelerPage, upload_clips
from tests.live import wait_until
from tests.unit.models_ml.video.made_clips import numbered_frames, numbered_members, write_video, write_zip

pytestmark = pytest.mark.browser
COUNT = 120
FORMATS = ("h264-b-frames", "hevc", "variable-rate", "images")


def uneven_stamps() -> list[int]:
    """Milliseconds: 5 to 60 from one frame to the next."""
    return [0, *np.cumsum(np.random.default_rng(1).integers(5, 61, COUNT - 1)).tolist()]


@pytest.fixture(scope="module")
def clips(live_platform, tmp_path_factory) -> dict[str, dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("player")
    paths = [
        write_video(folder / "h264-b-frames.mp4", numbered_frames(COUNT), rate=200),
        write_video(folder / "hevc.mp4", numbered_frames(COUNT), codec="libx265", rate=200),
        write_video(folder / "variable-rate.mp4", numbered_frames(COUNT), stamps=uneven_stamps()),
        write_zip(folder / "images.zip", numbered_members(COUNT, first=5562)),
    ]
    return upload_clips(live_platform.api(), "Player", paths, 200)


@pytest.fixture
def labeler(live_platform, page) -> LabelerPage:
    tab = LabelerPage(page.context, live_platform)
    sign_in(tab.page, live_platform)
    return tab


@pytest.mark.parametrize("name", FORMATS)
def test_number_and_pixels_agree_in_every_step_jump_play_and_reverse(labeler, clips, name):
    labeler.open(clips[name])
    labeler.everything_loaded()
    times = uneven_stamps() if name == "variable-rate" else [5 * i for i in range(COUNT)]
    done = labeler.walk(seed=7, actions=150, times=times)
    assert done["wrong"] == []
    assert done["compared"] > 150


def test_frames_are_right_from_the_moment_the_page_opens(labeler, clips):
    labeler.page.goto(labeler.address(clips["hevc"]), wait_until="commit")
    labeler.page.wait_for_selector("mer-labeler[ready]")
    for _ in range(30):
        labeler.press("ArrowRight")
    labeler.settle()
    assert labeler.read()["shown"] == labeler.read()["burnt"] == 30
    # Presses come faster than frames are decoded: none is lost, and frames are shown in order.
    indices = [frame["index"] for frame in labeler.frames]
    assert indices == sorted(set(indices))
    assert all(frame["index"] == frame["shown"] == frame["burnt"] for frame in labeler.frames)


def test_the_last_frame_is_reached_by_index_and_by_source_frame_number(labeler, clips):
    labeler.open(clips["images"])
    for number, label in ((COUNT - 1, "Frame index"), (5562 + COUNT - 1, "Source frame number")):
        labeler.go_to(0)
        labeler.press("g")
        labeler.page.get_by_role("radio", name=label).check()
        labeler.page.get_by_role("textbox", name="Number").fill(str(number))
        labeler.press("Enter")
        labeler.settle()
        assert labeler.read()["burnt"] == labeler.read()["shown"] == COUNT - 1
        assert labeler.read()["source"] == 5562 + COUNT - 1


def test_flip_switches_to_the_onset_and_back(labeler, clips):
    labeler.open(clips["h264-b-frames"])
    labeler.press("b")
    assert "Set the onset first" in labeler.page.locator("[data-message]").inner_text()
    labeler.go_to(10)
    labeler.press("1")
    labeler.go_to(100)
    for expected in (10, 100, 10):
        labeler.press("b")
        labeler.settle()
        assert labeler.read()["burnt"] == labeler.read()["shown"] == expected
    labeler.page.keyboard.down("ArrowRight")
    labeler.settle()
    assert labeler.read()["burnt"] == 11


def test_the_next_clip_opens_in_place_with_its_own_header_and_frames(labeler, clips):
    page = labeler.page
    order = sorted(FORMATS)
    labeler.open(clips[order[0]])
    labeler.go_to(50)
    page.evaluate("window.samePage = true")
    labeler.press("n")
    labeler.until(
        "document.querySelector('mer-labeler').getAttribute('clip') === String(argument)",
        clips[order[1]]["id"],
    )
    page.wait_for_selector("mer-labeler[ready]")
    labeler.settle()
    assert page.evaluate("window.samePage"), "the page was reloaded"
    assert page.url == labeler.address(clips[order[1]])
    assert labeler.read()["shown"] == labeler.read()["burnt"] == 0
    labeler.press("End")
    labeler.settle()
    assert labeler.read()["burnt"] == COUNT - 1
    page.wait_for_selector(f"h1:has-text('{order[1]}')")
    page.go_back()
    page.wait_for_selector("mer-labeler[ready]")
    assert page.url == labeler.address(clips[order[0]])


def test_zoom_shows_a_part_and_does_not_change_the_pixels(labeler, clips):
    labeler.open(clips["hevc"])
    box = labeler.page.locator(".labeler-viewport").bounding_box()
    width = labeler.page.locator(".labeler-image").bounding_box()["width"]
    labeler.press("+")
    closer = labeler.page.locator(".labeler-image").bounding_box()
    assert closer["width"] == pytest.approx(width * 2**0.5, rel=0.01)
    labeler.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    labeler.page.mouse.down()
    labeler.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 40)
    labeler.page.mouse.up()
    dragged = labeler.page.locator(".labeler-image").bounding_box()
    assert dragged["y"] - closer["y"] == pytest.approx(40, abs=1)
    labeler.press("x")
    assert "No face was found" in labeler.page.locator("[data-message]").inner_text()
    labeler.press("0")
    assert labeler.page.locator(".labeler-image").bounding_box()["width"] == pytest.approx(width)
    assert labeler.read()["burnt"] == labeler.read()["shown"] == 0


def test_a_mark_set_just_before_opening_the_next_clip_is_saved(labeler, clips, live_platform):
    first, second = (clips[name] for name in sorted(FORMATS)[:2])
    labeler.open(first)
    labeler.everything_loaded()
    labeler.go_to(77)
    labeler.press("2")
    labeler.press("n")
    labeler.until(
        "document.querySelector('mer-labeler').getAttribute('clip') === String(argument)", second["id"]
    )
    labeler.settle()
    assert labeler.state["marks"]["apex"] is None
    api = live_platform.api()
    wait_until(
        lambda: [row["apex"] for row in api.get(f"annotations/?clip={first['id']}")["results"]] == [77],
        "the apex to be saved",
    )
