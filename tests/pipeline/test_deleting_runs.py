"""Runs and experiments that are deleted while workers train them: no row comes back, and no file is left."""

import pytest
from django.core.files.storage import default_storage

from mer_platform.deletion import services as files
from mer_platform.deletion.models import Removal
from mer_platform.deletion.run_services import delete_runs
from mer_platform.experiments import services
from mer_platform.experiments.models import Experiment, Fold, Prediction, Run
from mer_platform.jobs.models import Job, LeaseLost
from mer_platform.registry.models import ModelVersion
from mer_platform.storage import stored_names
from models_ml.config import RunConfig, SweepConfig
from tests.pictures import freeze_pictures
from workers import bundles, final_models

pytestmark = [pytest.mark.services]
NET = {"name": "ststnet"}
QUICK = SweepConfig(base={"net": NET, "train": {"epochs": 4}}, grid={"train.learning_rate": [1e-3, 2e-3]})


@pytest.fixture
def version(transactional_db, project):
    return freeze_pictures(project)


@pytest.fixture
def experiment(version, alice) -> Experiment:
    return services.launch_experiment(version, QUICK, alice, keep_weights="yes")


@pytest.fixture
def at_first_epoch(monkeypatch):
    """Call a function once, after the first epoch of a bundle."""

    def install(then) -> None:
        waiting = [then]

        class Reporter(bundles.ProgressReporter):
            def __call__(self, epoch) -> None:
                while waiting:
                    waiting.pop()()
                super().__call__(epoch)

        monkeypatch.setattr(bundles, "ProgressReporter", Reporter)

    return install


@pytest.fixture
def known() -> set[str]:
    """The files of models that other tests have stored."""
    return set(models_stored())


def models_stored() -> list[str]:
    return [name for folder in ("models", "fold-weights") for name in stored_names(folder)]


def orphans(known: set[str]) -> set[str]:
    """Return the files of models that are left when everything is removed that is due to be."""
    Removal.objects.update(not_before="2000-01-01T00:00:00Z")
    settle, files.SETTLE_SECONDS = files.SETTLE_SECONDS, 0
    try:
        files.remove_files()
    finally:
        files.SETTLE_SECONDS = settle
    return set(models_stored()) - known


def test_the_other_run_of_a_bundle_finishes(experiment, alice, work, at_first_epoch):
    first, second = experiment.runs.order_by("pk")
    at_first_epoch(lambda: delete_runs([first], alice))
    work()
    assert list(Run.objects.values_list("pk", flat=True)) == [second.pk]
    second.refresh_from_db()
    assert second.state == Run.State.FINISHED
    assert Prediction.objects.count() == 24
    assert set(Fold.objects.values_list("run", flat=True)) == {second.pk}
    assert not Job.objects.filter(state__in=[Job.State.FAILED, *Job.OPEN]).exists()


def test_nothing_of_a_deleted_experiment_comes_back(known, experiment, alice, work, at_first_epoch):
    at_first_epoch(lambda: delete_runs([experiment], alice))
    work()
    for model in (Experiment, Run, Fold, Prediction, Job):
        assert not model.objects.exists(), model
    assert orphans(known) == set()


def test_a_final_model_is_not_stored_for_a_deleted_run(known, version, alice, work, monkeypatch):
    run = services.launch(version, RunConfig.model_validate(QUICK.base), alice)

    def and_deleted(*args, **kwargs):
        model = fit_all(*args, **kwargs)
        delete_runs([run], alice)
        return model

    fit_all = final_models.fit_all
    monkeypatch.setattr(final_models, "fit_all", and_deleted)
    work()
    assert not Run.objects.exists()
    assert not ModelVersion.objects.exists()
    assert not Job.objects.exists()
    assert orphans(known) == set()


def test_a_deletion_that_is_interrupted_leaves_everything(experiment, alice, work, monkeypatch):
    """As a process that is killed before its transaction ends."""
    work()
    run = experiment.runs.first()
    before = models_stored()

    def killed(*_args):
        raise LeaseLost

    monkeypatch.setattr("mer_platform.deletion.run_services.shrink", killed)
    with pytest.raises(LeaseLost):
        delete_runs([run], alice)
    assert experiment.runs.count() == 2
    assert not Removal.objects.exists()
    assert Prediction.objects.count() == 48
    assert all(default_storage.exists(name) for name in before)
