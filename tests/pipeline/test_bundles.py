"""Training of bundles: cancelled within an epoch, stored once, and a failing run does not affect the others."""

import pytest

from mer_platform.composites.models import Sample
from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Fold, Prediction, Run
from mer_platform.jobs.models import Claim, Job
from models_ml.config import SweepConfig
from tests.pictures import freeze_pictures
from workers import bundles, runner
from workers.feature_cache import apex_variants
from workers.training_data import run_data

pytestmark = [pytest.mark.services]
NET = {"name": "ststnet"}
QUICK = SweepConfig(base={"net": NET, "train": {"epochs": 6}}, grid={"train.learning_rate": [1e-3, 2e-3]})


@pytest.fixture
def version(transactional_db, project):
    return freeze_pictures(project)


@pytest.fixture
def experiment(version, alice) -> Experiment:
    return services.launch_experiment(version, QUICK, alice)


@pytest.fixture
def after_epoch(monkeypatch):
    """Call a function after each epoch of a bundle; return the epochs that were trained."""
    seen: list[int] = []

    def install(then) -> list[int]:
        class Reporter(bundles.ProgressReporter):
            def __call__(self, epoch) -> None:
                seen.append(epoch.number)
                then(self._claim, epoch.number)
                super().__call__(epoch)

        monkeypatch.setattr(bundles, "ProgressReporter", Reporter)
        return seen

    return install


def compute_features(experiment: Experiment) -> None:
    from workers.app import app  # noqa: F401  (registers the handlers)

    while Job.objects.filter(group=experiment.group, kind="features", state=Job.State.QUEUED).exists():
        runner.take_next("features")


def test_each_run_predicts_each_sample_once(experiment, work):
    work()
    assert set(experiment.runs.values_list("state", flat=True)) == {"finished"}
    for run in experiment.runs.all():
        assert run.predictions.count() == 24
        assert run.environment["device"] == "cpu"
        assert len(run.environment["code"]) > 5
        for fold in run.folds.all():
            assert (fold.state, fold.epochs_done, fold.epoch, len(fold.losses)) == ("done", 6, 6, 6)
            assert fold.seconds > 0
    assert not Job.objects.filter(kind="model").exists()


def test_validation_losses_and_oracle_epochs_are_stored(version, alice, work):
    train = {"epochs": 3, "epoch_choice": "validation", "oracle": True}
    experiment = services.launch_experiment(version, SweepConfig(base={"net": NET, "train": train}), alice)
    work()
    fold = Fold.objects.filter(run__experiment=experiment).first()
    assert len(fold.validation_losses) == 3
    assert fold.epoch == 1 + fold.validation_losses.index(min(fold.validation_losses))
    assert [len(epoch) for epoch in fold.oracle] == [4, 4, 4]


@pytest.mark.parametrize("whole", [True, False])
def test_cancelling_stops_the_training_before_its_next_epoch(experiment, alice, after_epoch, whole):
    compute_features(experiment)

    def cancel(_claim, epoch: int) -> None:
        if epoch == 2:
            runs = experiment.runs.all()
            assert services.cancel_experiment(experiment, alice) if whole else services.cancel(runs[0], alice)

    seen = after_epoch(cancel)
    job = Job.objects.filter(kind="bundle").order_by("pk").first()
    folds = set(job.folds.values_list("run", flat=True))
    runner.take_next("training")
    job.refresh_from_db()
    if whole:
        assert (seen, job.state) == ([1, 2], Job.State.CANCELLED)
        assert not Prediction.objects.exists()
    else:  # the bundle continues for the run that was not cancelled
        assert (max(seen), job.state) == (6, Job.State.DONE)
        done = set(Fold.objects.filter(state=Fold.State.DONE).values_list("run", flat=True))
        assert done == folds - {experiment.runs.all()[0].pk}


def test_running_a_run_again_during_a_shared_bundle_does_not_disturb_the_others(
    version, alice, after_epoch, work
):
    three_folds = {"protocol": "kfold", "folds": 3}
    experiment = services.launch_experiment(
        version, SweepConfig(base={**QUICK.base, **three_folds}, grid=QUICK.grid), alice
    )
    compute_features(experiment)
    bundle = Job.objects.get(kind="bundle")
    run, other = experiment.runs.order_by("pk")

    def fail_and_run_again(claim: Claim, epoch: int) -> None:
        if epoch == 2 and claim.job.pk == bundle.pk:
            steps.fail_runs(experiment.pk, experiment.runs.filter(pk=run.pk), "the disk is full")
            assert services.rerun(run, alice)

    seen = after_epoch(fail_and_run_again)
    runner.take_next("training")
    assert seen == [1, 2, 3, 4, 5, 6]
    done = Fold.objects.filter(state=Fold.State.DONE).values_list("run", "job")
    assert sorted(done) == [(other.pk, bundle.pk)] * 3
    work()
    assert set(experiment.runs.values_list("state", flat=True)) == {"finished"}
    assert [found.predictions.count() for found in (run, other)] == [24, 24]


def test_a_worker_that_lost_its_lease_in_training_writes_nothing(experiment, after_epoch, work):
    compute_features(experiment)

    def steal(claim: Claim, epoch: int) -> None:
        if epoch == 2:
            Job.objects.filter(pk=claim.job.pk).update(attempt=claim.attempt + 1, lease_owner="host:2")

    seen = after_epoch(steal)
    runner.take_next("training")
    assert seen == [1, 2]
    assert not Prediction.objects.exists()
    assert not Fold.objects.filter(state=Fold.State.DONE).exists()


def test_an_apex_moves_within_its_expression_and_a_flow_picture_stays():
    sample = Sample(onset=3, apex=5, offset=6)
    assert [variant.apex for variant in apex_variants(sample, 2)] == [5, 4, 6]
    assert [variant.apex for variant in apex_variants(sample, 1)] == [5, 4, 6]
    assert [variant.apex for variant in apex_variants(Sample(), 2)] == [None, None, None]


def test_apex_jitter_adds_features_to_training(version, alice, work):
    train = {"epochs": 2, "apex_jitter": 2}
    experiment = services.launch_experiment(version, SweepConfig(base={"net": NET, "train": train}), alice)
    work()
    run = experiment.runs.get()
    assert run.state == Run.State.FINISHED
    _, data = run_data(run)
    assert data.jittered.shape == (2, *data.features.shape)


def test_a_run_that_diverges_fails_and_the_others_of_its_bundle_do_not(version, alice, work):
    sweep = SweepConfig(
        base={"net": {"name": "vgg_m", "norm": "none"}, "train": {"epochs": 8, "optimizer": "sgd"}},
        grid={"train.learning_rate": [1e-3, 1.0], "train.weight_decay": [0.0, 1.0]},
    )
    experiment = services.launch_experiment(version, sweep, alice)
    work()
    states = {run.config["train"]["learning_rate"]: run for run in experiment.runs.order_by("pk")}
    assert states[1e-3].state == Run.State.FINISHED
    failed = [run for run in experiment.runs.all() if run.state == Run.State.FAILED]
    assert failed
    for run in failed:
        assert "Training diverged in fold" in run.error
        assert "Choose a learning rate below 1" in run.error
    assert experiment.state == Experiment.State.FAILED
