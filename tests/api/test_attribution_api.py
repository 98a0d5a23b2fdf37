"""Attributions by the API: requested once, with the right role, and hidden while coding is blind."""

import io

import numpy as np
import pytest

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import Attribution, FoldWeights, Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from models_ml.attribution.face import REGION_NAMES
from models_ml.attribution.results import Attributions
from tests.api.attributions import attributed, keep_networks
from tests.api.external_runs import external
from tests.api.finished_runs import finished
from tests.api.problems import errors_of
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, [i % 2 for i in range(24)], alice)


def url(run: Run) -> str:
    return f"/api/v1/runs/{run.pk}/attributions/"


def test_it_is_requested_once(api, run):
    keep_networks(run)
    first = api.post(url(run))
    assert (first.status_code, first.json()["state"], first.json()["method"]) == (202, "waiting", "occlusion")
    assert first.json()["progress"] == {"samples_done": 0, "samples_total": 0, "started": False}
    again = api.post(url(run), {"method": "occlusion"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    other = api.post(url(run), {"method": "gradients", "steps": 64})
    assert other.status_code == 202
    assert [row["id"] for row in api.get(url(run)).json()["results"]] == [
        other.json()["id"],
        first.json()["id"],
    ]
    assert Job.objects.filter(kind="attribution").count() == 2


@pytest.mark.parametrize(
    ("asked", "place", "words"),
    [
        ({"method": "lime"}, "method", "occlusion"),
        ({"patch": 2}, "patch", "0.5 or less"),
        ({"steps": "many"}, "steps", "many"),
        ({"stride": 0}, "stride", "0.01 or more"),
        ({"method": "gradients", "baseline": 0}, "baseline", ""),
    ],
)
def test_settings_that_do_not_exist_are_refused_at_their_place(api, run, asked, place, words):
    keep_networks(run)
    answer = api.post(url(run), asked)
    assert answer.status_code == 400
    assert words in errors_of(answer, place)[0]
    assert api.post(url(run), ["occlusion"]).status_code == 400


def test_it_says_why_it_is_not_possible(api, run, version, alice):
    refused = api.post(url(run))
    assert refused.status_code == 409
    assert "The networks of its folds are not kept" in refused.json()["detail"]
    assert "Launch the run again" in refused.json()["detail"]
    keep_networks(run)
    FoldWeights.objects.filter(fold=run.folds.first()).delete()
    assert "Of 6 networks, 5 are kept" in api.post(url(run)).json()["detail"]
    active = finished(version, [0] * 24, alice, seed=3)
    Run.objects.filter(pk=active.pk).update(state=Run.State.TRAINING)
    assert "The run is training" in api.post(url(active)).json()["detail"]
    svm = finished(version, [0] * 24, alice, net={"name": "hoof_svm"})
    keep_networks(svm)
    assert "has no gradients" in api.post(url(svm), {"method": "gradients"}).json()["detail"]
    theirs = external(version, [0] * 24)
    assert "made by other code" in api.post(url(theirs)).json()["detail"]


def test_results_have_the_shares_of_regions(api, run, alice):
    found = attributed(run, alice, "gradients")
    detail = api.get(f"/api/v1/attributions/{found.pk}/").json()
    assert (detail["state"], detail["results_hidden"]) == ("done", "")
    assert detail["largest_gap"] == pytest.approx(0.004)
    row = next(
        r for r in detail["regions"] if (r["target"], r["label"], r["kind"]) == ("true", "negative", "u")
    )
    assert (row["samples"], row["subjects"]) == (12, 6)
    assert set(row["estimates"]) == set(REGION_NAMES)
    value, low, high = row["estimates"]["mouth and chin"]["attribution"]
    assert low <= value <= high


def test_the_file_has_the_maps_of_all_samples(api, run, alice):
    found = attributed(run, alice)
    answer = api.get(f"/api/v1/attributions/{found.pk}/file/")
    content = b"".join(answer.streaming_content)
    assert len(content) == found.size
    maps = Attributions.from_bytes(content)
    assert sorted(set(maps.samples.tolist())) == list(range(24))
    with np.load(io.BytesIO(content)) as file:
        assert file["channels"].tolist() == ["u", "v", "strain", "all"]


def test_a_file_exists_only_when_it_is_done(api, run):
    keep_networks(run)
    pk = api.post(url(run)).json()["id"]
    answer = api.get(f"/api/v1/attributions/{pk}/file/")
    assert answer.status_code == 404
    assert "it is computing" in answer.json()["detail"]
    assert api.get(f"/api/v1/attributions/{pk}/").json()["regions"] is None


def test_it_is_cancelled_and_requested_again(api, run):
    keep_networks(run)
    pk = api.post(url(run)).json()["id"]
    cancelled = api.post(f"/api/v1/attributions/{pk}/cancel/")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert Job.objects.get(kind="attribution").state == Job.State.CANCELLED
    again = api.post(f"/api/v1/attributions/{pk}/cancel/")
    assert again.status_code == 409
    assert "it is cancelled" in again.json()["detail"]
    assert api.post(url(run)).status_code == 202
    assert Attribution.objects.get().round == 2


def test_viewers_read_researchers_request_and_strangers_find_nothing(run, project, member, bobs_api, alice):
    found = attributed(run, alice)
    viewer = member(project, "carol", Role.VIEWER)
    detail = f"/api/v1/attributions/{found.pk}/"
    assert viewer.get(url(run)).status_code == 200
    assert viewer.get(detail).status_code == 200
    assert viewer.post(url(run)).status_code == 403
    assert viewer.get(f"{detail}file/").status_code == 403
    assert viewer.post(f"{detail}cancel/").status_code == 403
    for answer in (
        bobs_api.get(url(run)),
        bobs_api.post(url(run)),
        bobs_api.get(detail),
        bobs_api.get(f"{detail}file/"),
    ):
        assert answer.status_code == 404
    assert viewer.get("/api/v1/runs/999999/attributions/").status_code == 404


def test_a_coder_with_clips_of_the_version_in_the_queue_sees_no_shares(
    api, project, database, make_clip, alice
):
    words = {"disgust": "negative", "happiness": "positive"}
    for number in range(4):
        clip = make_clip(f"clip{number}", f"s{number // 2}")
        emotion = list(words)[number % 2]
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    version = freeze(project, "Four", [database], {database.name: words}, alice)
    found = attributed(finished(version, [0, 1, 0, 1], alice), alice)
    detail = f"/api/v1/attributions/{found.pk}/"
    assert api.get(detail).json()["regions"]
    Assignment.objects.create(clip=clip, coder=alice)
    blind = api.get(detail).json()
    assert blind["regions"] is None
    assert "your queue still has 1 clip of this version" in blind["results_hidden"]
    assert api.get(f"{detail}file/").status_code == 403


def test_a_list_costs_the_same_queries_for_any_number(api, run, alice, django_assert_max_num_queries):
    keep_networks(run)
    for patch in (0.1, 0.2, 0.3, 0.4):
        assert api.post(url(run), {"patch": patch}).status_code == 202
    with django_assert_max_num_queries(6):
        assert len(api.get(url(run)).json()) == 4
