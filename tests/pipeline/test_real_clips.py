"""The real clips, from upload to frame pack, with the API and the workers' own code."""

import shutil
import subprocess

import pytest

from models_ml.video.packindex import PackIndex

pytestmark = pytest.mark.services_in_faults
COUNTS = {"single_face.mp4": 72, "face_noface.mov": 169, "no_face.mp4": 95, "carphone_pristine.mp4": 120}


@pytest.fixture
def upload(api, database, real_clips, work):
    def run(name: str) -> dict:
        with (real_clips / name).open("rb") as file:
            answer = api.post(
                "/api/v1/clips/", {"file": file, "database": database.pk, "subject": name}, format="multipart"
            )
        assert answer.status_code == 201, answer.content
        work()
        return api.get(f"/api/v1/clips/{answer.json()['id']}/").json()

    return run


@pytest.mark.parametrize("name", COUNTS)
def test_every_frame_of_a_real_clip_is_in_its_pack(api, upload, real_clips, name):
    clip = upload(name)
    assert (clip["state"], clip["problem"]) == ("ready", "")
    index = PackIndex.from_json(api.get(f"/api/v1/clips/{clip['id']}/frames/").json())
    clock = index.clock
    assert index.count == clip["frame_count"] == COUNTS[name]
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "csv=p=0",
         real_clips / name],
        check=True, capture_output=True, text=True,
    ).stdout.replace(",", " ").split()  # fmt: skip
    assert [clock.ms(i) for i in range(clock.count)] == pytest.approx(
        [1000 * float(s) for s in shown], abs=0.01
    )


def test_a_clip_without_a_face_is_ready_and_says_so(upload):
    clip = upload("no_face.mp4")
    assert clip["state"] == "ready"
    assert clip["face_note"].startswith("No face found")


def test_a_face_that_disappears_is_found_only_in_its_frames(upload):
    clip = upload("face_noface.mov")
    first, last = clip["face_frames"][0]
    assert first == 0
    assert 40 < last < 168
    assert f"0–{last}" in clip["face_note"]


def test_a_small_face_is_found(upload):
    assert upload("carphone_pristine.mp4")["face_frames"]
