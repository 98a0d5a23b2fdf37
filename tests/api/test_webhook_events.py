"""Which ends of runs and experiments are announced to webhooks, and how often."""

import json

import pytest
from django.urls import resolve

from mer_platform.experiments import services, steps
from mer_platform.experiments.announcing import announce_end_of_experiment
from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.jobs.models import Job
from mer_platform.webhooks.events import EVENTS
from mer_platform.webhooks.models import Delivery
from mer_platform.webhooks.services import create_webhook
from models_ml.config import RunConfig, SweepConfig
from tests.pictures import freeze_pictures
from workers.experiment_ends import experiment_ended

pytestmark = [pytest.mark.django_db, pytest.mark.services]
TWO = SweepConfig(grid={"net.width": [0.05, 0.1]})


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def webhook(project, alice):
    return create_webhook(project, "https://hooks.example.org/", list(EVENTS), alice)[0]


@pytest.fixture
def experiment(version, alice, webhook) -> Experiment:
    return services.launch_experiment(version, TWO, alice, "Widths")


def train(run: Run) -> None:
    """End a run's folds, and then the run, as the worker of its last bundle does."""
    run.state = Run.State.TRAINING
    run.save(update_fields=["state"])
    run.folds.update(state=Fold.State.DONE)
    steps.finish(run)


def ends() -> list[int]:
    """Run the jobs that ask whether an experiment has ended; return the experiments of those jobs."""
    asked = []
    for job in Job.objects.filter(kind="experiment-ended", state=Job.State.QUEUED).order_by("pk"):
        claim = Job.claim(job.pk, "host:1")
        assert claim is not None
        experiment_ended(claim)
        asked.append(job.payload["experiment"])
    return asked


def sent() -> list[dict]:
    return [json.loads(body) for body in Delivery.objects.order_by("pk").values_list("body", flat=True)]


def types() -> list[str]:
    return [body["type"] for body in sent()]


def test_each_run_and_then_the_experiment_are_announced_once(experiment):
    first, second = experiment.runs.order_by("pk")
    train(first)
    assert ends() == [experiment.pk]
    assert types() == ["run.finished"]
    train(second)
    ends()
    announce_end_of_experiment(experiment.pk)  # another worker, late
    assert types() == ["run.finished", "run.finished", "experiment.finished"]
    assert sent()[0]["data"] == {
        "run": first.pk, "experiment": experiment.pk, "project": experiment.project_id, "state": "finished",
        "url": f"/api/v1/runs/{first.pk}/",
    }  # fmt: skip
    assert sent()[2]["data"]["state"] == "finished"
    assert sent()[2]["data"]["runs"] == {"total": 2, "active": 0, "failed": 0, "cancelled": 0}


def test_runs_that_end_at_the_same_moment_still_end_their_experiment(experiment):
    """Neither sees the other's end in its own transaction; the jobs come after both."""
    for run in experiment.runs.all():
        train(run)
    assert "experiment.finished" not in types()
    assert ends() == [experiment.pk] * 2
    assert types().count("experiment.finished") == 1


def test_a_failed_run_that_is_run_again_is_announced_again(experiment, alice):
    steps.fail_runs(experiment.pk, experiment.runs.all(), "diverged")
    ends()
    assert types() == ["run.failed", "run.failed", "experiment.finished"]
    services.rerun_failed(experiment, alice)
    for run in experiment.runs.all():
        train(run)
    ends()
    assert types()[3:] == ["run.finished", "run.finished", "experiment.finished"]
    assert [body["data"]["state"] for body in sent() if body["type"] == "experiment.finished"] == [
        "failed",
        "finished",
    ]


def test_a_cancelled_experiment_ends_without_events_of_its_runs(experiment, alice):
    services.cancel_experiment(experiment, alice)
    ends()
    assert types() == ["experiment.finished"]
    assert sent()[0]["data"]["state"] == "cancelled"


def test_a_model_that_is_trained_later_does_not_end_the_experiment_again(version, alice, webhook):
    run = services.launch(version, RunConfig(), alice)
    train(run)
    ends()
    assert services.train_model(run, alice)
    run.refresh_from_db()
    steps.finish(run)
    ends()
    assert types() == ["run.finished", "experiment.finished", "run.finished"]


def test_without_a_webhook_nothing_is_stored(version, alice):
    experiment = services.launch_experiment(version, TWO, alice)
    for run in experiment.runs.all():
        train(run)
    assert not Delivery.objects.exists()
    assert not Job.objects.filter(queue="webhooks").exists()


def test_the_addresses_in_events_lead_somewhere_and_can_be_complete(experiment, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://mer.example.org"]
    for run in experiment.runs.all():
        train(run)
    ends()
    for body in sent():
        url = body["data"]["url"]
        assert url.startswith("https://mer.example.org/api/v1/")
        assert resolve(url.removeprefix("https://mer.example.org"))
