"""Models and batches of earlier versions are still there after the models moved to their own app."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from mer_platform.experiments import services
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.services import resolve
from mer_platform.scoring.models import ScoringBatch
from models_ml.config import RunConfig
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.campaign]
BEFORE = [("scoring", "0002_plain_texts"), ("registry", None)]


@pytest.fixture
def migrated():
    """Migrate to any state; after the test to the latest one."""

    def to(targets):
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return MigrationExecutor(connection).loader.project_state(targets[:1]).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@transaction.atomic
def delete_behind_django(model) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_modelversion WHERE id = %s", [model.pk])
    connection.check_constraints()


def latest():
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


def test_models_of_earlier_versions_keep_their_rows_and_batches(project, alice, migrated):
    version = freeze_pictures(project)
    runs = [services.launch(version, RunConfig(seed=seed), alice) for seed in (1, 2)]
    old = migrated(BEFORE)
    rows = old.get_model("scoring", "ModelVersion").objects
    stored = [rows.create(run_id=run.pk, file=f"models/{run.pk}", sha256="ab", classes=[]) for run in runs]
    batch = old.get_model("scoring", "ScoringBatch").objects.create(
        project_id=project.pk, model_id=stored[1].pk
    )
    migrated(latest())
    assert [model.pk for model in ModelVersion.objects.order_by("pk")] == [row.pk for row in stored]
    model = resolve(project, stored[1].pk)
    assert (model.run, model.file, model.name) == (runs[1], f"models/{runs[1].pk}", runs[1].name)
    assert (model.settings, model.stage, model.created_by) == (runs[1].settings, "candidate", alice)
    assert ScoringBatch.objects.get(pk=batch.pk).model == model
    # The database itself still refuses a batch without its model, and gives new models new ids.
    with pytest.raises(IntegrityError):
        delete_behind_django(model)
    model.pk, model.run = None, None
    model.save()
    assert model.pk > stored[1].pk


def test_the_move_can_be_undone(project, alice, migrated):
    run = services.launch(freeze_pictures(project), RunConfig(), alice)
    fields = {"project": project, "name": "n", "config": run.config, "classes": []}
    model = ModelVersion.objects.create(run=run, file="models/x", sha256="ab", **fields)
    old = migrated(BEFORE)
    assert old.get_model("scoring", "ModelVersion").objects.get().pk == model.pk
    migrated(latest())
    assert ModelVersion.objects.get().file == "models/x"
