"""Experiments without workers: launch, pause, cancel and run again."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.experiments.sweeps.estimate import estimate
from mer_platform.features.models import FeatureRange
from mer_platform.jobs.models import Job, Worker
from models_ml.config import RunConfig, SweepConfig
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.services]
TWO = SweepConfig(grid={"net.width": [0.05, 0.1]})


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def experiment(version, alice) -> Experiment:
    return services.launch_experiment(version, TWO, alice, "Widths")


def finish_jobs(experiment: Experiment, kind: str) -> None:
    """Finish jobs as a worker does, without the work."""
    ending = {"features": steps.finishing_features, "bundle": steps.finishing_bundle}[kind]
    for job in Job.objects.filter(group=experiment.group, kind=kind, state=Job.State.QUEUED):
        claim = Job.claim(job.pk, "host:1")
        with ending(claim):
            Fold.objects.filter(job=job).update(state=Fold.State.DONE)


def states(experiment: Experiment) -> set[str]:
    return set(experiment.runs.values_list("state", flat=True))


def test_it_computes_features_once_for_all_runs_that_share_them(version, alice):
    sweep = SweepConfig(grid={"net.width": [0.05, 0.1], "features.size": [28, 30]})
    experiment = services.launch_experiment(version, sweep, alice)
    assert experiment.runs.count() == 4
    found = FeatureRange.objects.filter(job__group=experiment.group)
    assert {features.settings.size for features in found} == {28, 30}
    ranges = [(features.config_hash, features.start, features.end) for features in found]
    assert len(ranges) == len(set(ranges)) == Job.objects.filter(group=experiment.group).count()


def test_bundles_hold_folds_of_several_runs_with_one_shape(version, alice):
    sweep = SweepConfig(grid={"train.learning_rate": [1e-3, 2e-3]}, seeds=[0, 1])
    experiment = services.launch_experiment(version, sweep, alice)
    finish_jobs(experiment, "features")
    bundles = Job.objects.filter(group=experiment.group, kind="bundle")
    # 12 folds per seed, at most 4 in a bundle.
    assert [len(bundle.payload["folds"]) for bundle in bundles] == [4] * 6
    for bundle in bundles:
        assert set(bundle.folds.values_list("pk", flat=True)) == set(bundle.payload["folds"])
        assert len(set(bundle.folds.values_list("run__seed", flat=True))) == 1
    assert Fold.objects.filter(job=None).count() == 0


@pytest.mark.parametrize(
    ("asked", "seen", "queue", "bundles"),
    [
        ("auto", "", "training", [4] * 6),
        ("auto", "NVIDIA H100", "gpu", [24]),
        ("auto", "cpu", "training", [4] * 6),
        ("cpu", "NVIDIA H100", "training", [4] * 6),
        ("gpu", "", "gpu", [24]),
    ],
)
def test_it_trains_on_an_available_device_in_bundles_of_a_suitable_size(
    version, alice, asked, seen, queue, bundles
):
    if seen:
        now = timezone.now()
        Worker.objects.create(name="g:1", host="g", pid=1, device=seen, queues=["gpu"], last_seen=now)
    sweep = SweepConfig(grid={"train.learning_rate": [1e-3, 2e-3, 3e-3, 4e-3]})
    experiment = services.launch_experiment(version, sweep, alice, device=asked)
    finish_jobs(experiment, "features")
    found = Job.objects.filter(group=experiment.group, kind="bundle").order_by("pk")
    assert [(job.queue, len(job.payload["folds"])) for job in found] == [(queue, size) for size in bundles]


def test_only_a_single_run_trains_a_final_model(experiment, version, alice):
    finish_jobs(experiment, "features")
    finish_jobs(experiment, "bundle")
    assert states(experiment) == {"finished"}
    assert experiment.state == "finished"
    single = services.launch(version, RunConfig(), alice)
    finish_jobs(single.experiment, "features")
    finish_jobs(single.experiment, "bundle")
    assert Run.objects.get(pk=single.pk).state == Run.State.FINISHING


def test_the_model_of_a_finished_run_is_trained_on_request(experiment, alice):
    run = experiment.runs.first()
    assert not services.train_model(run, alice)
    Run.objects.update(state=Run.State.FINISHED)
    assert services.train_model(run, alice)
    assert Job.objects.filter(kind="model", payload__run=run.pk).count() == 1
    steps.fail_model(run.pk, "out of memory")
    run.refresh_from_db()
    assert (run.state, run.scored) == (Run.State.FINISHED, True)
    assert "out of memory" in run.error
    assert services.train_model(run, alice)


def test_a_paused_experiment_starts_nothing_until_it_is_resumed(experiment, alice):
    first = Job.objects.filter(group=experiment.group).first()
    claim = Job.claim(first.pk, "host:1")
    assert services.pause(experiment, alice)
    assert not services.pause(experiment, alice)
    assert Experiment.objects.get(pk=experiment.pk).state == "paused"
    assert all(Job.claim(job.pk, "host:2") is None for job in Job.objects.exclude(pk=first.pk))
    with steps.finishing_features(claim):
        pass  # a job that has started finishes
    assert services.resume(experiment, alice)
    finish_jobs(experiment, "features")
    assert states(experiment) == {"training"}


def test_jobs_queued_during_a_pause_are_held(experiment, alice):
    jobs = list(Job.objects.filter(group=experiment.group))
    claims = [Job.claim(job.pk, "host:1") for job in jobs]
    services.pause(experiment, alice)
    for claim in claims:
        with steps.finishing_features(claim):
            pass
    assert set(Job.objects.filter(kind="bundle").values_list("held", flat=True)) == {True}


def test_a_job_claimed_just_before_the_pause_is_put_back(experiment, alice):
    claim = Job.claim(Job.objects.first().pk, "host:1")
    assert not steps.hold_if_paused(claim, experiment.pk)
    services.pause(experiment, alice)
    assert steps.hold_if_paused(claim, experiment.pk)
    claim.job.refresh_from_db()
    assert (claim.job.state, claim.job.held) == (Job.State.QUEUED, True)


def test_cancelling_one_run_leaves_the_others_their_jobs(experiment, alice):
    finish_jobs(experiment, "features")
    run, other = experiment.runs.order_by("pk")
    assert services.cancel(run, alice)
    assert {job.state for job in Job.objects.filter(folds__run=run)} == {"cancelled"}
    assert {job.state for job in Job.objects.filter(folds__run=other)} == {"queued"}
    assert experiment.state == "running"
    assert services.cancel_experiment(experiment, alice)
    assert not services.cancel_experiment(experiment, alice)
    assert Experiment.objects.get(pk=experiment.pk).state == "cancelled"
    assert not Job.objects.filter(state__in=Job.OPEN).exists()


def test_a_failed_run_that_runs_again_keeps_its_finished_folds(experiment, alice):
    finish_jobs(experiment, "features")
    run = experiment.runs.order_by("pk").first()
    job = Job.objects.filter(folds__run=run).first()
    run.folds.filter(index=0).update(state=Fold.State.DONE)
    steps.fail_runs(experiment.pk, experiment.runs.filter(pk=run.pk), "diverged")
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert [r.pk for r in services.rerun_failed(experiment, alice)] == [run.pk]
    finish_jobs(experiment, "features")
    again = Fold.objects.filter(run=run, job__kind="bundle", job__state=Job.State.QUEUED)
    assert set(again.values_list("index", flat=True)) == {1, 2, 3, 4, 5}
    finish_jobs(experiment, "bundle")
    assert states(experiment) == {"finished"}
    assert services.rerun_failed(experiment, alice) == []


def fail_one(experiment: Experiment) -> tuple[Run, Run]:
    """Fail the first of two runs, and return both."""
    run, other = experiment.runs.order_by("pk")
    steps.fail_runs(experiment.pk, experiment.runs.filter(pk=run.pk), "diverged")
    return run, other


def test_one_failed_run_runs_again_while_the_others_continue(experiment, alice):
    finish_jobs(experiment, "features")
    run, other = fail_one(experiment)
    run.folds.filter(index=0).update(state=Fold.State.DONE)
    untouched = list(other.folds.values_list("pk", "state", "job"))
    assert not services.rerun(other, alice)
    assert services.rerun(run, alice)
    stored = Experiment.objects.get(pk=experiment.pk)
    assert (stored.state, stored.progress()["runs_failed"], stored.progress()["runs_done"]) == (
        "running",
        0,
        0,
    )
    finish_jobs(experiment, "features")
    again = run.folds.filter(job__state=Job.State.QUEUED)
    assert set(again.values_list("index", flat=True)) == {1, 2, 3, 4, 5}
    assert list(other.folds.values_list("pk", "state", "job")) == untouched
    finish_jobs(experiment, "bundle")
    assert states(experiment) == {"finished"}


def test_a_second_click_does_not_run_it_twice(experiment, alice):
    finish_jobs(experiment, "features")
    run, _ = fail_one(experiment)
    seen_at_once = [Run.objects.get(pk=run.pk) for _ in range(2)]
    assert [services.rerun(seen, alice) for seen in seen_at_once] == [True, False]
    assert services.rerun_failed(experiment, alice) == []
    assert Job.objects.filter(kind="features", state=Job.State.QUEUED).count() == 2  # ranges of 24 samples


def test_a_bundle_continues_without_the_folds_of_a_run_that_runs_again(version, alice):
    sweep = SweepConfig(grid={"train.learning_rate": [1e-3, 2e-3]})
    experiment = services.launch_experiment(version, sweep, alice)
    finish_jobs(experiment, "features")
    shared = next(
        bundle
        for bundle in Job.objects.filter(kind="bundle")
        if len(set(bundle.folds.values_list("run", flat=True))) == 2
    )
    claim = Job.claim(shared.pk, "host:1")
    run, other = fail_one(experiment)
    services.rerun(run, alice)
    finish_jobs(experiment, "features")
    with steps.finishing_bundle(claim) as wanted:
        assert set(wanted) == {other.pk}
        Fold.objects.filter(job=shared).update(state=Fold.State.DONE)
    claim.job.refresh_from_db()
    assert claim.job.state == Job.State.DONE
    assert not run.folds.filter(state=Fold.State.DONE).exists()
    finish_jobs(experiment, "bundle")
    assert states(experiment) == {"finished"}


def test_cancelled_features_neither_delay_nor_fail_a_run_that_runs_again(experiment, alice):
    old = Job.claim(Job.objects.filter(kind="features").first().pk, "host:1")
    steps.fail_runs(
        experiment.pk, experiment.runs.all(), "the disk is full"
    )  # reported by the job of another range
    run = experiment.runs.first()
    services.rerun(run, alice)
    steps.fail_features(old.job, "the disk is full")
    assert experiment.runs.get(pk=run.pk).state == Run.State.FEATURES
    finish_jobs(experiment, "features")
    assert experiment.runs.get(pk=run.pk).state == Run.State.TRAINING
    old.job.refresh_from_db()
    assert old.job.state == Job.State.RUNNING  # its worker has not noticed yet


def test_a_run_that_runs_again_during_a_pause_waits(experiment, alice):
    finish_jobs(experiment, "features")
    run, _ = fail_one(experiment)
    services.pause(experiment, alice)
    assert services.rerun(run, alice)
    assert set(Job.objects.filter(state=Job.State.QUEUED).values_list("held", flat=True)) == {True}
    services.resume(experiment, alice)
    finish_jobs(experiment, "features")
    finish_jobs(experiment, "bundle")
    assert states(experiment) == {"finished"}


def test_the_features_of_a_run_that_runs_again_are_counted_once(experiment, alice):
    jobs = Job.objects.filter(kind="features")
    for job in jobs:
        Job.claim(job.pk, "host:1").progress(24, 24)
    steps.fail_runs(experiment.pk, experiment.runs.all(), "the disk is full")
    jobs.update(state=Job.State.CANCELLED)
    run = experiment.runs.first()
    assert (run.progress()["features_done"], run.progress()["features_total"]) == (0, 0)
    services.rerun(run, alice)
    Job.claim(jobs.filter(state=Job.State.QUEUED).first().pk, "host:1").progress(5, 24)
    assert (run.progress()["features_done"], run.progress()["features_total"]) == (5, 24)


def test_added_seeds_run_every_combination(experiment, alice):
    Run.objects.update(state=Run.State.FINISHED)
    added = services.add_seeds(experiment, [0, 5], alice)
    assert {(run.config["net"]["width"], run.seed) for run in added} == {(0.05, 5), (0.1, 5)}
    finish_jobs(experiment, "features")
    assert Job.objects.filter(kind="bundle", folds__run__in=added).exists()
    with pytest.raises(ValidationError, match="already been run with seed 5"):
        services.add_seeds(experiment, [5], alice)
    with pytest.raises(ValidationError, match="Must be 0 or more, not -1"):
        services.add_seeds(experiment, [-1], alice)
    assert services.clone(Experiment.objects.get(pk=experiment.pk)).seeds == (0, 5)


def test_a_protocol_that_the_samples_do_not_allow_stores_nothing(version, alice):
    sweep = SweepConfig(grid={"protocol": ["loso", "kfold"]}, base={"folds": 9})
    with pytest.raises(ValidationError) as caught:
        services.launch_experiment(version, sweep, alice)
    assert "9 folds need at least 9 subjects" in caught.value.message_dict["grid.protocol"][0]
    assert not Experiment.objects.exists()


def test_an_estimate_names_the_source_of_its_pace(version, experiment):
    rough = estimate(version, TWO)
    assert (rough.runs, rough.folds, rough.networks, rough.workers) == (2, 12, 12, 1)
    assert "rough guess" in rough.basis
    assert rough.seconds > 0
    for fold in Fold.objects.all():
        Fold.objects.filter(pk=fold.pk).update(state=Fold.State.DONE, seconds=fold.multiply_adds / 1e9)
    measured = estimate(version, TWO)
    assert measured.seconds == pytest.approx(measured.multiply_adds / 1e9)
    assert "last 12 folds" in measured.basis


def test_the_total_of_features_does_not_move_when_jobs_start(experiment):
    total = experiment.progress()["features_total"]
    job = Job.objects.filter(kind="features").first()
    Job.claim(job.pk, "host:1").progress(2, 8)
    after = experiment.progress()
    assert (total, after["features_total"], after["features_done"]) == (24, 24, 2)
