"""Turning a clip whose face lies on its side: from the note to features of the upright face."""

import cv2
import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from skimage.data import astronaut

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip
from mer_platform.composites.services import freeze
from mer_platform.deletion.services import remove_files
from mer_platform.features.models import FeatureSet
from mer_platform.features.services import request_features
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Role
from models_ml.config import FeatureConfig
from tests.api.problems import errors_of
from tests.unit.models_ml.video.made_clips import write_video
from workers.feature_cache import FramePair

pytestmark = [pytest.mark.services_in_faults]


@pytest.fixture
def add(api, database, work, tmp_path):
    """Upload and ingest a clip of a moving face, turned counter-clockwise by so many quarters."""

    def upload(name: str, quarters: int) -> Clip:
        face = cv2.resize(astronaut()[:300, 60:400], (340, 300))
        shifts = [0, 0, 1, 2, 3, 4, 4, 3, 2, 1, len(name)]
        images = [np.ascontiguousarray(np.rot90(np.roll(face, by, axis=1), quarters)) for by in shifts]
        path = write_video(tmp_path / f"{name}.mp4", images, rate=100)
        file = SimpleUploadedFile(path.name, path.read_bytes())
        data = {"file": file, "database": database.pk, "subject": name}
        answer = api.post("/api/v1/clips/", data, format="multipart")
        assert answer.status_code == 201
        work()
        return Clip.objects.get(pk=answer.json()["id"])

    return upload


@pytest.fixture
def sideways(add) -> Clip:
    return add("lying", 1)


@pytest.fixture
def turn(api, sideways):
    def post(degrees: object):
        return api.post(f"/api/v1/clips/{sideways.pk}/turn/", {"degrees": degrees}, format="json")

    return post


def mark(clip: Clip) -> None:
    Consensus.objects.create(
        clip=clip, onset=1, apex=5, offset=9, emotion="disgust", action_units="4", origin="imported"
    )


def test_a_turned_clip_has_a_face_and_its_marks(api, sideways, turn, work):
    shown = api.get(f"/api/v1/clips/{sideways.pk}/").json()
    assert (shown["turn"], shown["face_turn"], shown["face_frames"]) == (0, 90, [])
    assert "turn the clip by 90° clockwise" in shown["face_note"]
    mark(sideways)
    assert turn(90).status_code == 202
    assert turn(90).status_code == 409
    assert Clip.objects.get(pk=sideways.pk).state == "ready"  # it stays as it is until the job is done
    work()
    clip = Clip.objects.get(pk=sideways.pk)
    assert (clip.turn, clip.face_turn, clip.face_frames) == (90, 0, [[0, 10]])
    assert (clip.width, clip.height) == (sideways.height, sideways.width)
    assert clip.notes == ["The clip was turned by 90° clockwise."]
    assert clip.consensus.get().apex == 5
    assert default_storage.exists(clip.pack_name)
    assert Job.objects.filter(kind="spot", state="done").count() == 1
    assert AuditEvent.objects.filter(action=f"turned {clip} by 90° clockwise").count() == 1


def test_features_are_computed_again(api, add, work, project, database, alice):
    clips = [add(name, 0) for name in ("one", "another")]
    for clip in clips:
        mark(clip)
    classes = {database.name: dict.fromkeys(database.emotions, "negative")}
    version = freeze(project, "All", [database], classes, alice)
    features = request_features(version, FeatureConfig(), alice)
    work()
    features.refresh_from_db()
    assert (features.state, features.problems) == ("ready", {})
    names = [FramePair(clip, 1, 5).name(FeatureConfig()) for clip in clips]
    assert all(map(default_storage.exists, names))

    assert api.post(f"/api/v1/clips/{clips[0].pk}/turn/", {"degrees": 180}, format="json").status_code == 202
    work()
    turned = Clip.objects.get(pk=clips[0].pk)
    assert turned.face_turn == 180
    assert FramePair(turned, 1, 5).name(FeatureConfig()) != names[0]
    again = FeatureSet.objects.get(version=version)
    assert again.pk != features.pk  # no address of an image shows another image
    (problem,) = again.problems.values()
    assert "face" in problem


def test_the_old_frames_go_and_their_addresses_say_so(api, sideways, turn, work, monkeypatch):
    frames, pack = (reverse(name, args=[sideways.pk]) for name in ("clip-frames", "clip-pack"))
    version = {"v": sideways.frames_version}
    assert "immutable" in api.get(frames, version)["Cache-Control"]
    assert turn(270).status_code == 202
    work()
    assert api.get(frames, version)["Cache-Control"] == "private, no-cache"
    answer = api.get(pack, version)
    assert answer.status_code == 404
    assert "have changed" in answer.json()["detail"]
    monkeypatch.setattr("mer_platform.deletion.services.SETTLE_SECONDS", 0)
    assert remove_files() == 3
    assert not default_storage.exists(sideways.pack_name)
    assert api.get(pack).status_code == 200


def test_turning_back_gives_the_first_frames_again(sideways, turn, work):
    for degrees in (90, 270):
        assert turn(degrees).status_code == 202
        work()
    clip = Clip.objects.get(pk=sideways.pk)
    assert (clip.turn, clip.face_turn, clip.pack_name) == (0, 90, sideways.pack_name)


@pytest.mark.parametrize("degrees", [0, 45, 360, "x", None, 10**30])
def test_other_turns_are_refused(turn, degrees):
    answer = turn(degrees)
    assert answer.status_code == 400
    assert errors_of(answer, "degrees")


def test_a_clip_without_frames_is_not_turned(sideways, turn):
    Clip.objects.update(state=Clip.State.FAILED)
    assert turn(90).status_code == 400


def test_only_researchers_turn_clips(sideways, project, member):
    coder = member(project, "carol", Role.ANNOTATOR)
    assert coder.post(f"/api/v1/clips/{sideways.pk}/turn/", {"degrees": 90}, format="json").status_code == 403


def test_the_page_offers_the_turn(client, alice, sideways, project, work):
    client.force_login(alice)
    page, turn = (reverse(name, args=[project.slug, sideways.pk]) for name in ("clip", "turn-clip"))
    assert "Turn by 90°" in client.get(page).content.decode()
    answer = client.post(turn, {"degrees": "90"}, follow=True).content.decode()
    assert "is being turned by 90° clockwise" in answer
    assert "Turn by 90°" not in answer
    work()
    upright = client.get(page).content.decode()
    assert "turned by 90°" in upright
    assert "not upright:" not in upright
    assert (
        "can be turned by 90, 180 or 270" in client.post(turn, {"degrees": "5"}, follow=True).content.decode()
    )
