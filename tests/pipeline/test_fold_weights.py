"""The networks of folds: kept as they predicted, removed when they are due, and never left behind."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from mer_platform.deletion import services as deletion
from mer_platform.deletion.kinds import KINDS, Holdings
from mer_platform.deletion.models import Removal
from mer_platform.deletion.retention import remove_old_weights
from mer_platform.experiments import services
from mer_platform.experiments.models import Experiment, Fold, FoldWeights, Prediction, Run
from mer_platform.jobs.models import Job
from mer_platform.storage import stored_names
from models_ml.config import SweepConfig
from models_ml.errors import InputError
from tests.pictures import freeze_pictures
from workers import bundles, runner
from workers.fold_weights import network_of
from workers.training_data import run_data

pytestmark = [pytest.mark.services_in_faults]
QUICK = {"net": {"name": "ststnet"}, "train": {"epochs": 2}}


@pytest.fixture
def version(transactional_db, project, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"  # a storage of its own: these tests list all files
    return freeze_pictures(project)


def launched(version, user, base=QUICK, keep="yes", **grid) -> Experiment:
    return services.launch_experiment(version, SweepConfig(base=base, grid=grid), user, keep_weights=keep)


def files() -> set[str]:
    return set(stored_names("fold-weights"))


def removed_later(monkeypatch) -> None:
    """Remove the files that are due, as upkeep would an hour later."""
    Removal.objects.update(not_before=timezone.now())
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    deletion.remove_files()


@pytest.mark.parametrize(
    "base",
    [
        QUICK,
        {**QUICK, "ensemble": 3},
        {**QUICK, "net": {"name": "vgg_m_spp", "width": 0.02}},
        {**QUICK, "train": {"epochs": 3, "epoch_choice": "validation"}},
        {"net": {"name": "hoof_svm"}, "protocol": "lodo"},
        {"net": {"name": "majority"}},
    ],
    ids=["one", "ensemble", "normalised", "validation", "fitted", "majority"],
)
def test_a_kept_network_predicts_the_held_out_samples_as_its_fold_did(version, alice, work, base):
    experiment = launched(version, alice, base)
    work()
    run = experiment.runs.get()
    assert run.state == Run.State.FINISHED
    _, data = run_data(run)
    for fold in run.folds.all():
        assert (
            fold.weights.file == f"fold-weights/{fold.weights_sha256[:2]}/{fold.weights_sha256}.safetensors"
        )
        assert fold.weights.size == default_storage.size(fold.weights.file)
        network = network_of(fold)
        rows = list(fold.predictions.select_related("sample").order_by("sample__index"))
        again = network.predict(data.features[[row.sample.index for row in rows]])
        np.testing.assert_allclose(again, [row.probabilities for row in rows], atol=1e-6)
    assert files() == set(FoldWeights.objects.values_list("file", flat=True))
    assert not Removal.objects.exists()


def test_networks_are_kept_by_default_but_not_where_they_take_too_much(version, alice, work, monkeypatch):
    assert launched(version, alice, keep="auto").keep_weights
    assert not launched(version, alice, keep="no").keep_weights
    monkeypatch.setattr("mer_platform.experiments.planned_runs.MOST_KEPT_BYTES", 1000)
    assert not launched(version, alice, keep="auto").keep_weights
    assert launched(version, alice, keep="yes").keep_weights


def test_an_experiment_that_does_not_keep_networks_stores_none(version, alice, work):
    experiment = launched(version, alice, keep="no")
    work()
    assert not files()
    fold = Fold.objects.filter(run__experiment=experiment).first()
    assert len(fold.weights_sha256) == 64
    with pytest.raises(InputError, match=r"The network of fold .* is not kept. Launch the run again"):
        network_of(fold)


def test_a_damaged_file_is_not_used(version, alice, work):
    launched(version, alice)
    work()
    fold = Fold.objects.first()
    other = Fold.objects.exclude(weights_sha256=fold.weights_sha256).first()
    FoldWeights.objects.filter(fold=fold).update(file=other.weights.file)
    with pytest.raises(InputError, match="is not the one that made its predictions"):
        network_of(fold)
    default_storage.delete(other.weights.file)
    with pytest.raises(InputError, match="is no longer stored"):
        network_of(other)


def test_a_worker_killed_before_it_commits_leaves_nothing_behind(version, alice, work, monkeypatch):
    """The file is stored first. If the bundle never commits, upkeep removes it; if it is retried, the file stays."""
    experiment = launched(version, alice)
    while Job.objects.filter(kind="features", state=Job.State.QUEUED).exists():
        runner.take_next("features")
    commit = bundles.steps.finishing_bundle

    def killed(_claim):
        raise KeyboardInterrupt

    monkeypatch.setattr(bundles.steps, "finishing_bundle", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.take_next("training")
    left = files()
    assert left
    assert set(Removal.objects.values_list("name", flat=True)) == left
    deletion.remove_files()
    assert files() == left  # not yet: another attempt may commit it
    removed_later(monkeypatch)
    assert not files()

    monkeypatch.setattr(bundles.steps, "finishing_bundle", commit)
    Job.objects.filter(state=Job.State.RUNNING).update(lease_until=timezone.now() - timedelta(hours=1))
    while Job.objects.filter(group=experiment.group, state__in=Job.OPEN).exists():
        runner.take_next("training")
    assert experiment.runs.get().state == Run.State.FINISHED
    assert files() >= left
    assert files() == set(FoldWeights.objects.values_list("file", flat=True))
    assert not Removal.objects.exists()


def test_networks_of_a_run_that_was_cancelled_during_the_bundle_are_removed(
    version, alice, work, monkeypatch
):
    experiment = launched(version, alice, **{"train.learning_rate": [1e-3, 2e-3]})
    cancelled = experiment.runs.order_by("pk").first()
    serialise = bundles.serialise

    def cancel_and_serialise(model, keep):
        services.cancel(cancelled, alice)
        return serialise(model, keep)

    monkeypatch.setattr(bundles, "serialise", cancel_and_serialise)
    work()
    removed_later(monkeypatch)
    assert not FoldWeights.objects.filter(fold__run=cancelled).exists()
    assert files() == set(FoldWeights.objects.values_list("file", flat=True))
    assert FoldWeights.objects.count() == 6


def test_old_networks_are_removed_except_those_of_starred_runs(version, alice, work, settings, monkeypatch):
    settings.FOLD_WEIGHTS_DAYS = 30
    old, starred, young = (launched(version, alice, {**QUICK, "seed": seed}) for seed in range(3))
    work()
    for experiment in (old, starred):
        rows = FoldWeights.objects.filter(fold__run__experiment=experiment)
        rows.update(kept_at=timezone.now() - timedelta(days=31))
    starred.runs.update(starred=True)
    assert remove_old_weights() == 6
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    deletion.remove_files()
    assert set(FoldWeights.objects.values_list("fold__run__experiment", flat=True)) == {starred.pk, young.pk}
    assert files() == set(FoldWeights.objects.values_list("file", flat=True))
    assert Prediction.objects.filter(run__experiment=old).count() == 24
    starred.runs.update(starred=False)
    Experiment.objects.filter(pk=starred.pk).update(starred=True)
    assert remove_old_weights() == 0
    settings.FOLD_WEIGHTS_DAYS = 0
    Experiment.objects.filter(pk=starred.pk).update(starred=False)
    assert remove_old_weights() == 0


def test_deleting_a_project_removes_the_networks_unless_another_run_has_the_same(
    version, alice, work, monkeypatch, project
):
    launched(version, alice)
    work()
    needed = {needed.entry for needed in KINDS["fold-weights"].needed(Holdings.everything())}
    assert needed == files()
    deletion.delete(project, alice)
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    deletion.remove_files()
    assert not files()


def test_a_file_that_two_rows_name_stays_until_both_are_gone(version, alice, work, monkeypatch):
    """A network in closed form that learns from equal counts of classes has equal weights."""
    experiment = launched(version, alice, {"net": {"name": "majority"}})
    work()
    rows = FoldWeights.objects.filter(fold__run__experiment=experiment)
    shared = next(row for row in rows if rows.filter(file=row.file).count() > 1)
    monkeypatch.setattr(deletion, "SETTLE_SECONDS", 0)
    shared.delete()
    deletion.note_unused([shared.file])
    deletion.remove_files()
    assert shared.file in files()
    rows.filter(file=shared.file).delete()
    deletion.note_unused([shared.file])
    deletion.remove_files()
    assert shared.file not in files()
