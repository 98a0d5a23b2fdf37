"""A finished run is logged to MLflow once; a server that is away does not affect the run."""

import json
import os
from pathlib import Path

import pytest

from mer_platform.experiments import services, steps
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from models_ml.config import RunConfig
from tests.pictures import freeze_pictures
from workers import mlflow_logging, runner

mlflow = pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
pytestmark = pytest.mark.services_in_faults


@pytest.fixture
def version(transactional_db, project):
    return freeze_pictures(project)


@pytest.fixture
def store(settings, tmp_path, monkeypatch) -> str:
    """Return MLflow's client for its own store in a folder, or for a server (MER_TEST_MLFLOW_URI)."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    settings.MLFLOW_TRACKING_URI = os.environ.get("MER_TEST_MLFLOW_URI") or (tmp_path / "mlruns").as_uri()
    return settings.MLFLOW_TRACKING_URI


def finished(version, alice, work) -> Run:
    config = RunConfig.model_validate({"net": {"name": "ststnet"}, "train": {"epochs": 2}})
    run = services.launch(version, config, alice, "Logged")
    work()
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED
    return run


def test_a_finished_run_is_logged_with_settings_metrics_and_hashes(version, alice, work, store, api):
    run = finished(version, alice, work)
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name(f"{run.project.slug}/{version}")
    assert Job.objects.get(kind="mlflow").error == ""
    [logged] = client.search_runs([experiment.experiment_id])
    results = api.get(f"/api/v1/runs/{run.pk}/").json()["results"]
    assert logged.info.status == "FINISHED"
    assert logged.data.metrics["uf1"] == pytest.approx(results["uf1"])
    assert logged.data.metrics["uar_low"] == pytest.approx(results["intervals_95"]["uar"][0])
    assert logged.data.params["net.name"] == "ststnet"
    assert logged.data.params["train.epochs"] == "2"
    assert logged.data.tags["mer.version_hash"] == version.content_hash
    assert logged.data.tags["mer.config_hash"] == run.config_hash
    path = Path(client.download_artifacts(logged.info.run_id, "confusion.json"))
    assert json.loads(path.read_text())["confusion"] == results["confusion"]


def test_logging_again_updates_the_same_mlflow_run(version, alice, work, store):
    run = finished(version, alice, work)
    mlflow_logging._send(run)
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name(f"{run.project.slug}/{version}")
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_logging_is_retried_while_the_server_is_away(version, alice, work, settings):
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:9"  # the discard port: no one listens
    run = finished(version, alice, work)
    job = Job.objects.get(kind="mlflow")
    assert (job.state, job.attempt) == (Job.State.QUEUED, 1)
    assert "did not accept run" in job.error
    assert not runner.take_next("scoring")  # not yet
    Job.objects.update(not_before=None, attempt=mlflow_logging.TRIES - 1)
    runner.take_next("scoring")
    job.refresh_from_db()
    run.refresh_from_db()
    assert (job.state, run.state, run.error) == (Job.State.FAILED, Run.State.FINISHED, "")


def test_a_pause_does_not_delay_logging(version, alice, settings):
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:9"
    run = services.launch(version, RunConfig.model_validate({"net": {"name": "ststnet"}}), alice)
    services.pause(run.experiment, alice)
    run.refresh_from_db()
    steps.finish(run)
    assert not Job.objects.get(kind="mlflow").held
