"""Counts and scores give labels away, so people who still have clips of a version to code see neither."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import Run
from mer_platform.projects.models import Role
from tests.api.finished_runs import finished
from tests.api.problems import errors_of

pytestmark = [pytest.mark.django_db]
WORDS = {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}
TRUE = [0, 1, 2] * 2  # two subjects with one clip per class
HIDDEN = "your queue still has 1 clip of this version to be coded blind"


@pytest.fixture
def version(project, database, make_clip, alice) -> CompositeVersion:
    for number, true in enumerate(TRUE):
        clip = make_clip(f"clip{number}", f"s{number // 3}")
        Consensus.objects.create(
            clip=clip, onset=1, apex=5, offset=9, emotion=list(WORDS)[true], origin="adopted"
        )
    return freeze(project, "Six", [database], {database.name: WORDS}, alice)


@pytest.fixture
def runs(version, alice) -> list[Run]:
    return [finished(version, predicted, alice) for predicted in (TRUE, [0] * 6)]


@pytest.fixture
def queued(version, alice) -> Assignment:
    """The only positive clip of the second subject, in the queue of a researcher."""
    return Assignment.objects.create(clip=Clip.objects.get(name="clip4"), coder=alice)


@pytest.fixture
def page(client, alice, project):
    client.force_login(alice)

    def get(name: str, *args, query: str = "", status: int = 200) -> str:
        answer = client.get(reverse(name, args=[project.slug, *args]) + query)
        assert answer.status_code == status
        return answer.content.decode()

    return get


def test_counts_of_a_version_leave_out_the_clips_of_the_own_queue(api, page, version, queued):
    found = api.get(f"/api/v1/composite-versions/{version.pk}/").json()
    assert found["counts"]["classes"] == {"negative": 2, "positive": 1, "surprise": 2}
    assert found["not_counted"] == 1
    assert "5 samples of 2 subjects" in page("version", version.pk)
    for shown in (page("version", version.pk), page("composites")):
        assert "1 clip in your queue is not counted here until you have coded it" in shown


def test_counts_of_a_draft_leave_them_out_too(page, version, queued):
    draft = page("composite-new")
    assert "5 samples of" in draft
    assert "1 clip in your queue is not counted here" in draft


def test_reasons_to_leave_a_clip_out_do_not_name_its_emotion(page, version, queued, database):
    Consensus.objects.filter(clip=queued.clip).update(emotion="fear of heights")
    assert "fear of heights" not in page("composite-new")
    queued.delete()
    assert "fear of heights" in page("composite-new")


def test_the_comparison_with_a_published_list_is_hidden(api, page, version, queued):
    CompositeVersion.objects.filter(pk=version.pk).update(preset="megc2019", list_check={"databases": []})
    assert "Published list" not in page("version", version.pk)
    assert api.get(f"/api/v1/composite-versions/{version.pk}/check/").json()["list_check"] is None


def test_pages_of_runs_show_no_scores_and_say_why(page, runs, queued):
    for shown in (page("run", runs[0].pk), page("runs")):
        assert HIDDEN in shown
        assert "1.000" not in shown
    for figure in ("confusion", "per-class", "per-subject", "epochs"):
        page("figure", runs[0].pk, figure, status=403)
    page("figure", runs[0].pk, "losses")


def test_the_api_of_runs_gives_no_scores_and_says_why(api, runs, queued):
    one, listed = api.get(f"/api/v1/runs/{runs[0].pk}/").json(), api.get("/api/v1/runs/").json()["results"]
    assert all(run["results"] is None and HIDDEN in run["results_hidden"] for run in [one, *listed])


def test_hidden_runs_are_not_compared(api, page, runs, queued):
    query = f"?run={runs[0].pk}&run={runs[1].pk}"
    assert HIDDEN in page("compare-runs", query=query, status=422)
    page("compare-figure", "classes", query=query, status=404)
    answer = api.get(f"/api/v1/runs/compare/{query}")
    assert (answer.status_code, HIDDEN in errors_of(answer, "run")[0]) == (400, True)


def test_an_experiment_has_no_answer_for_them(api, page, runs, queued):
    experiment = runs[0].experiment_id
    assert HIDDEN in page("experiment-answer", experiment)
    assert "1.0" not in page("experiment-figure", experiment, "ranking")
    ranking = api.get(f"/api/v1/experiments/{experiment}/ranking/").json()
    assert (ranking["places"], HIDDEN in ranking["problem"]) == ([], True)


def test_everything_is_shown_once_the_clip_is_coded(api, page, runs, version, queued):
    api.post("/api/v1/assignments/done/", {"clip": queued.clip_id, "nothing": True})
    assert "1.000" in page("run", runs[0].pk)
    assert api.get(f"/api/v1/runs/{runs[0].pk}/").json()["results"]["uf1"] == 1
    assert "6 samples of 2 subjects" in page("version", version.pk)


def test_others_are_not_affected(project, member, runs, queued):
    viewer = member(project, "vera", Role.VIEWER)
    assert viewer.get(f"/api/v1/runs/{runs[0].pk}/").json()["results"]["accuracy"] == 1
    assert viewer.get(f"/api/v1/composite-versions/{runs[0].version_id}/").json()["counts"]["samples"] == 6


def test_predictions_of_a_clip_in_the_own_queue_are_null(api, runs, queued):
    found = {row["clip"]: row for row in api.get(f"/api/v1/runs/{runs[0].pk}/predictions/").json()["results"]}
    own = found.pop(queued.clip_id)
    assert [own[name] for name in ("true_label", "predicted", "probabilities")] == [None] * 3
    assert all(row["true_label"] and row["predicted"] and row["probabilities"] for row in found.values())


def test_what_each_epoch_would_have_predicted_is_hidden(api, project, member, runs, queued):
    runs[0].folds.update(oracle=[[0, 1, 2]], losses=[0.5])
    address = f"/api/v1/runs/{runs[0].pk}/folds/"
    assert {fold["oracle"] for fold in api.get(address).json()["results"]} == {None}
    assert api.get(address).json()["results"][0]["losses"] == [0.5]
    assert member(project, "vera", Role.VIEWER).get(address).json()["results"][0]["oracle"] == [[0, 1, 2]]
