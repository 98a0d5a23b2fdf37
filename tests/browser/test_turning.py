"""A clip whose face lies on its side is turned by a button on its page, and opens upright."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from tests.browser.signing_in import sign_in
from tests.labeler_page import LabelerPage, upload_clips
from tests.unit.models_ml.video.made_clips import write_video

pytestmark = pytest.mark.browser


def test_the_button_turns_the_clip(live_platform, page, tmp_path: Path) -> None:
    face = np.ascontiguousarray(np.rot90(cv2.resize(astronaut()[:300, 60:400], (340, 300))))
    clip = upload_clips(
        live_platform.api(), "Turning", [write_video(tmp_path / "lying.mp4", [face] * 8)], 30
    )["lying"]
    tab = LabelerPage(page.context, live_platform)
    sign_in(tab.page, live_platform)
    tab.open(clip)
    tab.page.get_by_role("button", name="Turn by 90°").click()
    tab.page.get_by_text("The frames are being turned.").wait_for()
    address = f"clips/{clip['id']}/"
    for _ in range(60):
        if live_platform.api().get(address)["turn"] == 90:
            break
        tab.page.wait_for_timeout(500)
    tab.open(clip)
    assert tab.page.get_by_text("The clip was turned by 90° clockwise.").count() == 1
    assert not tab.page.get_by_role("button", name="Turn by 90°").count()
    shown = live_platform.api().get(address)
    assert (shown["width"], shown["height"]) == (340, 300)
    assert shown["face_frames"] == [[0, 7]]
