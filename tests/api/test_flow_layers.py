"""Requests for the flow between two frames: a stored layer is returned at once, otherwise the state of its job."""

import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.clips.layers import FlowLayer
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from tests.api.problems import errors_of, problem_of

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]


def url(clip, start="10", end="20") -> str:
    return f"/api/v1/clips/{clip.pk}/flow/?from={start}&to={end}"


def flow_jobs() -> list[tuple[int, int, str]]:
    jobs = Job.objects.filter(kind="flow-layer").order_by("pk")
    return [(job.payload["from"], job.payload["to"], job.state) for job in jobs]


def test_the_first_request_queues_a_job_and_the_next_finds_it(api, clip):
    for _ in range(2):
        answer = api.get(url(clip))
        assert (answer.status_code, answer.json()["state"]) == (202, "queued")
        assert answer["Location"] == answer.json()["url"] == f"http://testserver{url(clip)}"
        assert answer["Retry-After"] == "1"
        assert answer["Cache-Control"] == "no-store"
    assert flow_jobs() == [(10, 20, "queued")]
    assert Job.objects.get(kind="flow-layer").queue == "features"


def test_a_stored_layer_is_returned_and_cached_permanently(api, make_clip):
    clip = make_clip("with a layer")
    layer = {
        "from": 10,
        "to": 20,
        "size": 1,
        "u": [0],
        "v": [0],
        "strain": [0],
        "to_frame": [[1, 0, 0], [0, 1, 0]],
    }
    default_storage.save(FlowLayer(clip, 10, 20).name, ContentFile(json.dumps(layer).encode()))
    answer = api.get(url(clip))
    assert (answer.status_code, answer.json()) == (200, layer)
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert not flow_jobs()


def test_a_users_next_request_cancels_the_previous_one(api, clip):
    for end in ("20", "21", "22"):
        assert api.get(url(clip, end=end)).status_code == 202
    assert flow_jobs() == [(10, 22, "queued")]


def test_a_request_does_not_cancel_those_of_other_users(api, clip, project, member):
    other = member(project, "carol", Role.ANNOTATOR)
    assert other.get(url(clip)).status_code == 202
    assert api.get(url(clip, end="21")).status_code == 202
    assert flow_jobs() == [(10, 20, "queued"), (10, 21, "queued")]


def test_a_cancelled_request_can_be_repeated(api, clip):
    api.get(url(clip))
    Job.objects.update(state="cancelled")
    assert api.get(url(clip)).json()["state"] == "queued"
    assert flow_jobs() == [(10, 20, "queued")]


def test_a_failed_computation_returns_its_reason(api, clip):
    api.get(url(clip))
    Job.objects.update(state="failed", error="There is no face in frame 10 (source frame 11).")
    answer = api.get(url(clip))
    assert answer.status_code == 422
    assert problem_of(answer)["detail"] == "There is no face in frame 10 (source frame 11)."


@pytest.mark.parametrize(
    ("start", "end", "field", "words"),
    [
        ("", "20", "from", "Must be a whole number"),
        ("10", "x", "to", "Must be a whole number, not “x”"),
        ("-1", "20", "from", "“-1” is not a frame index"),
        ("10", "100", "to", "Frame 100 is not in this clip: its frames are 0–99."),
        ("9" * 400, "20", "from", "Must have at most 18 digits"),
        ("²", "20", "from", "Must be a whole number, not “²”"),
    ],
)
def test_wrong_frame_indices_are_rejected(api, clip, start, end, field, words):
    answer = api.get(url(clip, start, end))
    assert answer.status_code == 400
    assert words in str(errors_of(answer, field))
    assert not flow_jobs()


def test_a_clip_that_is_not_ready_has_no_flow(api, make_clip):
    assert api.get(url(make_clip(state="processing"))).status_code == 404


def test_strangers_cannot_request_flow(bobs_api, clip):
    assert bobs_api.get(url(clip)).status_code == 404
    assert not flow_jobs()
