"""Deleting runs and experiments: what goes, what stays, and what is left of an experiment."""

import os

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.composites.services import freeze
from mer_platform.deletion import services as files
from mer_platform.deletion.models import Removal
from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Fold, FoldWeights, Prediction, Run, StoredRanking
from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.features.models import FeatureRange
from mer_platform.features.services import feature_name, request_features
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Role
from mer_platform.scoring.services import WantedClip, start_batch
from models_ml.classes import CLASSES
from models_ml.config import SweepConfig
from tests.api.finished_runs import finished
from tests.api.problems import errors_of
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]

RUNS = "/api/v1/runs/"
EXPERIMENTS = "/api/v1/experiments/"


@pytest.fixture
def version(project, database, make_clip, alice):
    for number in range(3):
        clip = make_clip(f"clip {number}", f"s{number}")
        emotion = "happiness" if number else "disgust"
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    labels = {database.name: {"disgust": "negative", "happiness": "positive"}}
    return freeze(project, "Three", [database], labels, alice)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, [0, 0, 1], alice)


@pytest.fixture
def sweep(version, alice) -> Experiment:
    settings = SweepConfig(grid={"net.placement": [1, 2, 3]}, seeds=(0, 1))
    return services.launch_experiment(version, settings, alice, "Positions")


def finish(experiment: Experiment) -> list[Run]:
    """Give each run predictions, the later runs the better ones, and return them."""
    runs = list(experiment.runs.order_by("pk"))
    samples = list(experiment.version.samples.order_by("index"))
    for number, run in enumerate(runs):
        for fold, sample in zip(run.folds.order_by("index"), samples, strict=True):
            true = CLASSES.index(sample.label)
            predicted = CLASSES[true if number >= sample.index else 2]
            Prediction.objects.create(
                run=run, fold=fold, sample=sample, probabilities=[1, 0, 0], predicted=predicted
            )
        run.folds.update(state=Fold.State.DONE)
    experiment.runs.update(state=Run.State.FINISHED)
    Job.objects.filter(group=experiment.group).update(state=Job.State.DONE)
    return runs


def store(name: str) -> str:
    """Store a file that is old enough to be removed."""
    name = default_storage.save(name, ContentFile(b"content"))
    at = timezone.now().timestamp() - 3600
    os.utime(default_storage.path(name), (at, at))
    return name


def there(names: list[str]) -> list[str]:
    files.remove_files()
    return [name for name in names if default_storage.exists(name)]


def test_a_run_goes_with_its_experiment_predictions_model_and_files(api, run):
    model = store(f"models/ab/{'a' * 64}.safetensors")
    model_of(run, model)
    weights = store(f"fold-weights/ab/{'b' * 64}.safetensors")
    FoldWeights.objects.create(fold=run.folds.first(), file=weights, size=7)
    preview = api.get(f"{RUNS}{run.pk}/deletion/").json()
    assert preview == {
        "possible": True,
        "reason": "",
        "rows": {
            "experiments": 1, "runs": 1, "folds": 3, "predictions": 3, "fold_weights": 1, "models": 1,
        },
        "not_counted": 0,
        "bytes": 7,
        "skipped": [],
    }  # fmt: skip
    assert Run.objects.count() == 1
    assert api.delete(f"{RUNS}{run.pk}/").status_code == 204
    assert not Experiment.objects.exists()
    assert not Job.objects.exists()
    assert there([model, weights]) == []
    assert not Removal.objects.exists()
    assert (
        AuditEvent.objects.order_by("pk")
        .last()
        .action.startswith(f"deleted run {run} with 3 folds, 3 predictions")
    )
    assert api.get(f"{RUNS}{run.pk}/").status_code == 404


def test_a_model_that_scored_clips_keeps_its_run(api, run, clip, alice, sweep):
    model = model_of(run)
    batches = [start_batch(model, [WantedClip(clip, 3, 7)], alice) for _ in range(2)]
    refused = api.delete(f"{RUNS}{run.pk}/")
    assert refused.status_code == 409
    reason = (
        f"Cannot delete run {run}: its model scored the clips of {batches[0]} and {batches[1]}. "
        "Archive it instead: lists then leave it out."
    )
    assert refused.json()["detail"] == reason
    assert api.get(f"{RUNS}{run.pk}/deletion/").json()["possible"] is False
    assert "a model of it scored" in api.delete(f"{EXPERIMENTS}{run.experiment_id}/").json()["detail"]
    other = sweep.runs.first()
    done = api.post(f"{RUNS}delete/", {"ids": [run.pk, other.pk]})
    assert done.json() == {"deleted": [other.pk], "skipped": [{"id": run.pk, "reason": reason}]}
    assert api.post(f"{RUNS}delete/", {"ids": [run.pk]}).status_code == 409
    assert Run.objects.filter(pk=run.pk).exists()


def test_the_preview_of_many_sums_what_goes(api, run, sweep):
    ids = [run.pk, *sweep.runs.values_list("pk", flat=True)]
    query = "&".join(f"id={pk}" for pk in ids)
    rows = api.get(f"{RUNS}deletion/?{query}").json()["rows"]
    assert (rows["experiments"], rows["runs"], rows["folds"], rows["predictions"]) == (2, 7, 21, 3)
    rows = api.get(f"{RUNS}deletion/?id={ids[1]}&id={ids[2]}").json()["rows"]
    assert (rows.get("experiments"), rows["runs"]) == (None, 2)
    rows = api.get(f"{EXPERIMENTS}deletion/?id={sweep.pk}").json()["rows"]
    assert (rows["experiments"], rows["runs"], rows["open_jobs"]) == (1, 6, 1)


def test_only_researchers_delete_and_unknown_runs_are_all_named(api, bobs_api, member, project, run):
    viewer = member(project, "vera", Role.VIEWER)
    for path in (f"{RUNS}{run.pk}/", f"{EXPERIMENTS}{run.experiment_id}/"):
        assert viewer.delete(path).status_code == 403
        assert viewer.get(f"{path}deletion/").status_code == 403
        assert bobs_api.delete(path).status_code == 404
    assert viewer.post(f"{RUNS}delete/", {"ids": [run.pk]}).status_code == 403
    assert viewer.get(f"{RUNS}deletion/?id={run.pk}").status_code == 403
    refused = api.post(f"{RUNS}delete/", {"ids": [run.pk, 901, 902]})
    assert errors_of(refused, "ids") == ["Runs 901 and 902 not found in your projects. Nothing was changed."]
    for bad in ("", "?id=x", "?id=99999999999999999999999"):
        assert api.get(f"{RUNS}deletion/{bad}").status_code == 400
    assert Run.objects.filter(pk=run.pk).exists()


def test_a_deleted_run_of_an_experiment_leaves_the_others_as_they_are(api, alice, sweep):
    runs = finish(sweep)
    before = Answer(sweep, alice)
    assert len(before.standings) == 3
    stored = StoredRanking.objects.get().key
    api.delete(f"{RUNS}{runs[0].pk}/")
    job = Job.objects.get(kind="ranking")
    assert job.payload == {"experiment": sweep.pk}
    steps.store_ranking(sweep.pk)
    after = Answer(Experiment.objects.get(pk=sweep.pk), alice)
    assert StoredRanking.objects.get().key != stored
    assert sorted(len(standing.runs) for standing in after.standings) == [1, 2, 2]
    assert after.best.runs == before.best.runs
    assert api.get(f"{EXPERIMENTS}{sweep.pk}/ranking/").json()["places"][0]["runs"] == [
        run.pk for run in after.best.runs
    ]


def test_a_clone_and_more_seeds_do_not_bring_back_what_was_deleted(api, alice, sweep):
    runs = finish(sweep)  # placements 1, 1, 2, 2, 3, 3 with seeds 0, 1
    api.post(f"{RUNS}delete/", {"ids": [runs[0].pk, runs[1].pk, runs[2].pk]})
    sweep.refresh_from_db()
    left = services.clone(sweep)
    assert (left.grid, left.seeds) == ({"net.placement": (2, 3)}, (0, 1))
    added = services.add_seeds(sweep, [2], alice)
    assert [(run.settings.net.placement, run.seed) for run in added] == [(2, 2), (3, 2)]
    api.post(f"{RUNS}delete/", {"ids": [runs[3].pk, added[0].pk]})
    sweep.refresh_from_db()
    assert services.clone(sweep).grid == {"net.placement": (3,)}


def test_deleting_active_runs_ends_only_their_own_work(api, alice, sweep):
    services.pause(sweep, alice)
    first, *others = sweep.runs.order_by("pk")
    [job] = Job.objects.filter(group=sweep.group)
    api.delete(f"{RUNS}{first.pk}/")
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED  # the others wait for the same features
    api.post(f"{RUNS}delete/", {"ids": [run.pk for run in others[1:]]})
    services.cancel(others[0], alice)
    again = services.add_seeds(sweep, [5], alice)
    assert [run.seed for run in again] == [5]
    api.post(f"{RUNS}delete/", {"ids": [again[0].pk]})
    sweep.refresh_from_db()
    assert (sweep.paused, sweep.state) == (False, "cancelled")


def test_features_that_only_the_run_used_go(api, alice, version, sweep):
    sizes = services.launch_experiment(version, SweepConfig(base={"features": {"size": 32}}), alice, "Large")
    clip = version.samples.first()
    own, shared = (
        store(feature_name(clip.content_sha256, 1, 5, run.settings.features, "cpu"))
        for run in (sizes.runs.get(), sweep.runs.first())
    )
    api.delete(f"{RUNS}{sizes.runs.get().pk}/")
    assert there([own, shared]) == [shared]
    api.delete(f"{RUNS}{sweep.runs.first().pk}/")
    assert there([shared]) == [shared]
    api.delete(f"{EXPERIMENTS}{sweep.pk}/")
    assert there([shared]) == []
    assert not FeatureRange.objects.exists()


def test_features_that_scores_or_feature_sets_need_stay(api, alice, version, run, clip, sweep):
    config = run.settings.features
    name = store(feature_name(version.samples.first().content_sha256, 1, 5, config, "cpu"))
    request_features(version, config, alice)
    api.delete(f"{EXPERIMENTS}{sweep.pk}/")
    api.delete(f"{RUNS}{run.pk}/")
    assert there([name]) == [name]


def test_predictions_are_not_counted_while_clips_are_to_be_coded(api, alice, version, run):
    clip = version.samples.first().clip
    Assignment.objects.create(clip=clip, coder=alice)
    preview = api.get(f"{RUNS}{run.pk}/deletion/").json()
    assert preview["not_counted"] == 1
    assert "predictions" not in preview["rows"]


def test_deleting_more_runs_takes_no_more_queries(api, alice, version, run, sweep):
    larger = SweepConfig(grid={"net.placement": [1, 2, 3]}, seeds=tuple(range(6)))
    counts = []
    for experiment in (sweep, services.launch_experiment(version, larger, alice, "Larger")):
        with CaptureQueriesContext(connection) as queries:
            assert api.delete(f"{EXPERIMENTS}{experiment.pk}/").status_code == 204
        counts.append(len(queries))
    assert counts[1] <= counts[0] < 80
