"""Jobs that were queued before bundles had their name."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.campaign]


def migrate(name: str) -> Any:
    """Migrate to a migration, and return the model of a job as it was then."""
    return MigrationExecutor(connection).migrate([("jobs", name)]).apps.get_model("jobs", "Job")


@pytest.fixture
def old_job():
    """The model of jobs in the previous release. Afterwards the tables are migrated to the latest state again."""
    yield migrate("0003_job_not_before")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())  # those that depend on jobs were undone too


def test_queued_packs_become_bundles_that_are_not_queued_twice(project, old_job):
    def queued(kind: str, key: str) -> Any:
        fields = {
            "queue": "training",
            "project_id": project.pk,
            "group": "experiment:1",
            "payload": {"folds": [5]},
        }
        return old_job.objects.create(kind=kind, key=key, **fields)

    pack = queued("pack", "experiment:1:pack:0:5")
    other = queued("features", "experiment:1:features:pack:0")
    job = migrate("0004_packs_become_bundles")
    bundle = job.objects.get(key="experiment:1:bundle:0:5")
    assert (bundle.pk, bundle.kind, bundle.payload) == (pack.pk, "bundle", {"folds": [5]})
    assert job.objects.filter(pk=other.pk, kind="features", key=other.key).exists()
    migrate("0003_job_not_before")
    assert old_job.objects.filter(pk=pack.pk, kind="pack", key=pack.key).exists()
