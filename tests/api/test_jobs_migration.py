"""Jobs that were queued before bundles had their name."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mer_platform.jobs.models import Job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


def migrate(name: str) -> None:
    MigrationExecutor(connection).migrate([("jobs", name)])


@pytest.fixture
def before_bundles():
    """The jobs as the previous version stored them; in the end migrated to the latest state again."""
    migrate("0003_job_not_before")
    yield
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "jobs"])


def test_queued_packs_become_bundles_that_are_not_queued_twice(project, before_bundles):
    old = Job.enqueue("pack", "training", project.pk, "experiment:1:pack:0:5", "experiment:1", {"folds": [5]})
    other = Job.enqueue(
        "features", "features", project.pk, "experiment:1:features:pack:0", "experiment:1", {}
    )
    migrate("0004_packs_become_bundles")
    again = Job.enqueue("bundle", "training", project.pk, "experiment:1:bundle:0:5", "experiment:1", {})
    assert (again.pk, again.kind, again.payload) == (old.pk, "bundle", {"folds": [5]})
    other.refresh_from_db()
    assert (other.kind, other.key) == ("features", "experiment:1:features:pack:0")
    migrate("0003_job_not_before")
    old.refresh_from_db()
    assert (old.kind, old.key) == ("pack", "experiment:1:pack:0:5")
