"""From a clip to the flow over its frames, with the workers' own code; and the curves of parts of the face."""

import numpy as np
import pytest

from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import read_index
from mer_platform.jobs.models import Job
from tests.lab import BAND, barcode_clips

pytestmark = pytest.mark.services_in_faults


@pytest.fixture
def made(tmp_path):
    return barcode_clips(tmp_path, subjects=1, clips_per_subject=1)[0]


@pytest.fixture
def clip(api, database, work, made) -> Clip:
    with made.path.open("rb") as file:
        fields = {"file": file, "database": database.pk, "subject": made.spec.subject, "fps": 200}
        answer = api.post("/api/v1/clips/", fields, format="multipart")
    work()
    return Clip.objects.get(pk=answer.json()["id"])


def test_flow_is_computed_on_request(api, work, made, clip):
    url = f"/api/v1/clips/{clip.pk}/flow/?from={made.spec.onset}&to={made.spec.apex}"
    assert api.get(url).status_code == 202
    work()
    layer = api.get(url).json()
    assert (layer["from"], layer["to"]) == (made.spec.onset, made.spec.apex)
    motion = np.hypot(layer["u"], layer["v"])
    assert 0.3 < motion.max() < 20
    # The grid covers the face: below the band with the frame's number, within the frame's width.
    corners = np.array(layer["to_frame"]) @ [[0, 32], [0, 32], [1, 1]]
    (left, right), (top, bottom) = corners
    assert -20 < left < right < clip.width + 20
    assert BAND - 10 < top < bottom < clip.height + 20
    assert api.get(url).json() == layer
    assert not Job.objects.filter(kind="flow-layer").exclude(state="done").exists()


def test_a_frame_without_a_face_gives_a_sentence(api, work, clip, monkeypatch):
    from models_ml.face.detect import FaceDetector

    monkeypatch.setattr(FaceDetector, "detect", lambda self, image: None)
    url = f"/api/v1/clips/{clip.pk}/flow/?from=3&to=9"
    api.get(url)
    work()
    answer = api.get(url)
    assert answer.status_code == 422
    assert f"no face in frame 3 (source frame {clip.first_source_number + 3})" in answer.json()["detail"]


def test_a_layer_of_a_deleted_clip_is_not_computed(api, work, clip):
    api.get(f"/api/v1/clips/{clip.pk}/flow/?from=3&to=9")
    Clip.objects.all().delete()
    work()
    assert Job.objects.get(kind="flow-layer").state == "cancelled"


def test_ingest_keeps_a_curve_of_each_part_of_the_face(clip):
    curves = read_index(clip).motion_regions
    assert set(curves) == {"brows", "eyes", "nose", "mouth"}
    assert {len(values) for values in curves.values()} == {clip.frame_count}
    assert all(max(values) > 0 for values in curves.values())
