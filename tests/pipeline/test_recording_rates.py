"""The recording rate of a real file, from upload or import to its times, and its correction."""

import csv
import io
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_of, read_index
from mer_platform.deletion.models import Removal
from mer_platform.imports import services
from mer_platform.imports.models import Import
from mer_platform.jobs.models import Job
from tests.unit.models_ml.video.made_clips import numbered_frames, numbered_members, write_video, write_zip

pytestmark = [pytest.mark.services_in_faults]
URL = "/api/v1/clips/"


@pytest.fixture
def upload(api, database, work):
    def run(path: Path, **fields) -> dict:
        with path.open("rb") as file:
            data = {"file": file, "database": database.pk, "subject": "s", **fields}
            answer = api.post(URL, data, format="multipart")
        assert answer.status_code == 201, answer.content
        work()
        return api.get(f"{URL}{answer.json()['id']}/").json()

    return run


@pytest.fixture
def slow(tmp_path) -> Path:
    """A recording of 200 fps, stored to play at 25."""
    return write_video(tmp_path / "slow.mp4", numbered_frames(24), rate=25)


def last_ms(clip: dict) -> float:
    return clock_of(Clip.objects.get(pk=clip["id"])).ms(clip["frame_count"] - 1)


def test_a_stated_rate_scales_a_video(upload, slow):
    clip = upload(slow, fps=200)
    assert (clip["state"], clip["fps"], clip["file_fps"], last_ms(clip)) == ("ready", "200", "25", 115)
    assert clip["notes"] == [
        "The file plays at 25 fps. Its times are scaled to the recording rate of 200 fps."
    ]


def test_a_video_that_states_another_rate_than_its_database_says_so(upload, slow):
    clip = upload(slow)
    assert (clip["fps"], last_ms(clip)) == ("25", 920)
    assert "the database states 200 fps" in clip["notes"][0]


def test_a_database_can_state_the_rate_of_its_videos(upload, slow, database):
    database.fps_for_videos = True
    database.save()
    clip = upload(slow)
    assert (clip["fps"], last_ms(clip)) == ("200", 115)


def test_a_corrected_clip_is_measured_again_and_keeps_no_second_pack(api, upload, slow, work):
    clip = upload(slow)
    before = Clip.objects.get(pk=clip["id"])
    motion = read_index(before).motion
    assert api.patch(f"{URL}{clip['id']}/", {"fps": 200}, format="json").status_code == 200
    assert read_index(before).motion == motion  # still served
    work()
    after = Clip.objects.get(pk=clip["id"])
    assert (after.state, after.fps, after.fps_given, after.file_fps) == ("ready", "200", 200, "25")
    index = read_index(after)
    assert index.clock.ms(23) == 115
    assert index.motion != motion  # it compares frames that are 40 ms apart
    assert set(Removal.objects.values_list("name", flat=True)) == set(before.pack_names)
    assert all(default_storage.exists(name) for name in after.pack_names)
    assert not Job.objects.filter(state=Job.State.FAILED).exists()


def test_a_clip_that_cannot_be_measured_again_keeps_its_frames(api, upload, slow, work):
    clip = upload(slow)
    stored = Clip.objects.get(pk=clip["id"])
    default_storage.save(stored.file, io.BytesIO(b"damaged"))
    api.patch(f"{URL}{clip['id']}/", {"fps": 200}, format="json")
    work()
    assert Job.objects.get(state=Job.State.FAILED).kind == "ingest"
    answer = api.get(f"{URL}{clip['id']}/").json()
    assert (answer["state"], answer["fps"], last_ms(answer)) == ("ready", "200", 115)
    default_storage.save(stored.file, io.BytesIO(slow.read_bytes()))
    assert api.post(f"{URL}{clip['id']}/turn/", {"degrees": 180}, format="json").status_code == 202
    work()
    turned = api.get(f"{URL}{clip['id']}/").json()
    assert (turned["turn"], turned["fps"], last_ms(turned)) == (180, "200", 115)


def test_images_with_gaps_keep_time_over_them_and_say_so(upload, tmp_path):
    members = numbered_members(15, "img{}.jpg", 46)
    kept = {f"img{n}.jpg": members[f"img{n}.jpg"] for n in (46, 47, 60)}
    clip = upload(write_zip(tmp_path / "gaps.zip", kept), fps=200)
    assert (clip["state"], clip["fps"], clip["file_fps"], last_ms(clip)) == ("ready", "200", "", 70)
    assert clip["notes"] == [
        "The numbers of the frame images have gaps: 12 of 15 source frames are missing (48–59). "
        "The times run on over the gaps."
    ]


@pytest.mark.parametrize("fps", [{}, {"fps": 1000}])
def test_more_frames_than_time_stamps_open_in_the_labeler(api, upload, tmp_path, fps):
    path = write_video(
        tmp_path / "fast.mkv", numbered_frames(20), codec="mjpeg", pixels="yuvj420p", rate=2000
    )
    clip = upload(path, **fps)
    assert clip["state"] == "ready"
    assert "Time stamps in the file repeat or go back" in " ".join(clip["notes"])
    pts = api.get(f"{URL}{clip['id']}/frames/").json()["pts"]
    assert all(a < b for a, b in pairwise(pts))
    assert last_ms(clip) == (19 if fps else 9.5)


def test_a_manifest_states_the_rate_of_a_video(project, alice, work, slow, tmp_path):
    rows = [
        {"database": "Lab", "subject": "1", "clip": "a", "path": "slow.mp4", "fps": "200", "onset": "3", "apex": "9",
         "offset": "13", "emotion": "disgust"},
    ]  # fmt: skip
    with (tmp_path / "manifest.csv").open("w") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    source = services.ImportSource(Import.SourceType.FOLDER, str(tmp_path), confined=False)
    batch = services.start(project, "manifest", source, None, alice)
    work()
    services.confirm(batch, [], alice)
    work()
    clip = Clip.objects.get(name="a")
    (agreed,) = clip.consensus.all()
    assert (clip.fps, clip.file_fps) == ("200", "25")
    assert clock_of(clip).duration_ms(agreed.onset, agreed.offset) == 50
