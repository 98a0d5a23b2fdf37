"""A worker of an earlier version takes no jobs from a database that a newer version has migrated."""

import pytest
from django.db.migrations.recorder import MigrationRecorder

from mer_platform.jobs import schema
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from workers import runner

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """This version knows two migrations, also where the tests run without any."""
    monkeypatch.setattr(schema, "_checked", [])
    schema._known()  # the real one finds the migrations without an error
    apps = frozenset({"jobs"})
    monkeypatch.setattr(schema, "_known", lambda: (apps, frozenset({("jobs", "0001"), ("jobs", "0002")})))


def test_migrations_that_this_version_does_not_know_are_named():
    assert schema.unknown_migrations([("jobs", "0001"), ("jobs", "0002")]) == []
    assert schema.unknown_migrations([("jobs", "0002"), ("jobs", "0003")]) == ["jobs.0003"]


def test_migrations_of_an_app_that_was_removed_do_not_count():
    assert schema.unknown_migrations([("sessions", "0001_initial")]) == []


def test_a_worker_leaves_the_jobs_of_a_newer_database_to_others(monkeypatch, caplog):
    project = Project.objects.create(name="P", slug="p")
    job = Job.objects.create(kind="k", queue="ingest", project=project, key="k", group="g")
    applied = {("jobs", "0001"): None, ("jobs", "0003_later"): None}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda recorder: applied)
    monkeypatch.setattr(runner, "run_claimed", lambda claim: True)
    assert runner.take_next("ingest") is False
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.QUEUED, 0)
    assert "jobs.0003_later" in caplog.text
