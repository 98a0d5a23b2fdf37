"""Runs from before there were experiments: each becomes one, and what was at work can be run again."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mer_platform.experiments import services
from mer_platform.experiments.models import Experiment, Run
from mer_platform.jobs.models import Job
from models_ml.config import RunConfig
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]
BEFORE = [("experiments", "0001_initial")]


@pytest.fixture
def migrated():
    """Migrate to a state; in the end to the latest one, whatever happened."""

    def to(targets):
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return executor.loader.project_state(targets).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "experiments"])


def test_old_runs_become_experiments_of_one(project, alice, migrated):
    version = freeze_pictures(project)
    old = migrated(BEFORE)
    config = RunConfig(seed=4).model_dump(mode="json")
    common = {"project_id": project.pk, "version_id": version.pk, "config": config, "config_hash": "0" * 64}
    done, at_work = (
        old.get_model("experiments", "Run").objects.create(name=state, state=state, **common)
        for state in ("finished", "training")
    )
    for index in range(6):
        old.get_model("experiments", "Fold").objects.create(run=at_work, index=index, name=f"f{index}")
    Job.enqueue("fold", "training", project.pk, f"run:{at_work.pk}:fold:0", f"run:{at_work.pk}", {})
    migrated([("experiments", "0004_run_in_experiment")])
    run = Run.objects.get(pk=done.pk)
    assert (run.state, run.seed, run.experiment.settings.runs()[0].seed) == ("finished", 4, 4)
    assert Experiment.objects.count() == 2
    stopped = Run.objects.get(pk=at_work.pk)
    assert stopped.state == "failed"
    assert "run it again" in stopped.error
    assert not Job.objects.filter(state__in=Job.OPEN).exists()
    assert services.rerun_failed(stopped.experiment, alice) == [stopped]
    assert Job.objects.filter(kind="features", state=Job.State.QUEUED).exists()
