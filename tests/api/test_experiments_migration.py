"""Databases of earlier versions: runs become experiments, and keys of features become columns."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Experiment, Run
from mer_platform.features.choices import choices_for
from mer_platform.jobs.models import Job
from models_ml.config import FeatureConfig, RunConfig
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.campaign]
BEFORE = [("experiments", "0001_initial")]
LATEST = "latest"  # the tests continue with the current models
WITH_KEYS = [("experiments", "0004_run_in_experiment"), ("features", "0001_initial")]


@pytest.fixture
def migrated():
    """Migrate to any state; after the test to the latest one."""

    def to(targets):
        executor = MigrationExecutor(connection)
        targets = executor.loader.graph.leaf_nodes("experiments") if targets == LATEST else targets
        executor.migrate(targets)
        return executor.loader.project_state(targets).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_old_runs_become_experiments_of_one(project, alice, migrated):
    version = freeze_pictures(project)
    old = migrated(BEFORE)
    config = RunConfig(seed=4).model_dump(mode="json")
    common = {"project_id": project.pk, "version_id": version.pk, "config": config, "config_hash": "0" * 64}
    done, running = (
        old.get_model("experiments", "Run").objects.create(name=state, state=state, **common)
        for state in ("finished", "training")
    )
    for index in range(6):
        old.get_model("experiments", "Fold").objects.create(run=running, index=index, name=f"f{index}")
    Job.enqueue("fold", "training", project.pk, f"run:{running.pk}:fold:0", f"run:{running.pk}", {})
    migrated(LATEST)
    run = Run.objects.get(pk=done.pk)
    assert (run.state, run.seed, run.experiment.settings.runs()[0].seed) == ("finished", 4, 4)
    assert Experiment.objects.count() == 2
    stopped = Run.objects.get(pk=running.pk)
    assert stopped.state == "failed"
    assert "run it again" in stopped.error
    assert not Job.objects.filter(state__in=Job.OPEN).exists()
    assert services.rerun_failed(stopped.experiment, alice) == [stopped]
    assert Job.objects.filter(kind="features", state=Job.State.QUEUED).exists()


def with_keys(apps, experiment_id, digits="") -> None:
    """Write keys and payloads of features as they were before there were columns for them."""
    Run = apps.get_model("experiments", "Run")
    for run in Run.objects.filter(experiment=experiment_id):
        key = digits or FeatureConfig.model_validate(run.config["features"]).content_hash()[:12]
        jitter = run.config["train"]["apex_jitter"]
        run.features_key = key + (f"-j{jitter}" if jitter else "")
        run.save()
        ranges = [(0, 12), (12, 24)]
        jobs = apps.get_model("jobs", "Job").objects.filter(
            group=f"experiment:{experiment_id}", kind="features"
        )
        for job, (start, end) in zip(jobs.order_by("pk"), ranges, strict=True):
            job.key = f"experiment:{experiment_id}:features:{run.features_key}:0:{start}"
            job.payload = {
                "experiment": experiment_id,
                "features_key": run.features_key,
                "config": run.config["features"],
                "apex_jitter": jitter,
                "samples": [start, end],
                **({"computed": 12} if job.state == "done" else {}),
            }
            job.save()


def finish_features(job) -> None:
    with steps.finishing_features(Job.claim(job.pk, "host:1"), 12):
        pass


@pytest.mark.parametrize("digits", ["", "0123456789ab"], ids=["of this code", "of older code"])
def test_a_run_in_the_middle_of_its_features_continues(project, alice, migrated, digits):
    version = freeze_pictures(project)
    experiment = services.launch(version, RunConfig(train={"apex_jitter": 2}), alice).experiment
    done, open_ = Job.objects.filter(kind="features").order_by("pk")
    finish_features(done)
    with_keys(migrated(WITH_KEYS), experiment.pk, digits)
    migrated(LATEST)
    run = experiment.runs.get()
    assert run.apex_jitter == 2
    assert run.features_hash == (digits or RunConfig().features.content_hash())
    first, second = run.feature_ranges()
    assert (first.job, first.start, first.end, first.images_computed) == (done, 0, 12, 12)
    assert first.seconds is not None
    assert (second.job, second.start, second.end, second.images_computed) == (open_, 12, 24, None)
    finish_features(open_)
    run.refresh_from_db()
    assert run.state == Run.State.TRAINING


def test_a_run_that_trains_its_final_model_still_has_the_job(project, alice, migrated):
    run = services.launch(freeze_pictures(project), RunConfig(), alice)
    for job in Job.objects.filter(kind="features"):
        finish_features(job)
    run.folds.update(state="done")
    steps.queue_model(run)
    with_keys(migrated(WITH_KEYS), run.experiment_id)
    migrated(LATEST)
    run.refresh_from_db()
    assert run.model_job == Job.objects.get(kind="model")
    steps.drop_idle_jobs(run.experiment_id)
    run.model_job.refresh_from_db()
    assert run.model_job.state == Job.State.QUEUED
    assert set(Job.objects.filter(kind="bundle").values_list("state", flat=True)) == {Job.State.CANCELLED}


def test_a_features_page_still_offers_the_configurations_of_the_oldest_runs(project, migrated):
    version = freeze_pictures(project)
    config = RunConfig(features={"size": 40}).model_dump(mode="json")
    common = {"project_id": project.pk, "version_id": version.pk, "name": "old", "state": "finished"}
    old = migrated(BEFORE).get_model("experiments", "Run")
    old.objects.create(config=config, config_hash="0" * 64, **common)
    migrated(LATEST)
    assert [choice.config.size for choice in choices_for(version)] == [28, 40]
