"""Queue ``scoring``, kind ``mlflow``: log a finished run to an MLflow server, if one is configured.

A failure is retried for about two hours. It does not affect the run; only the job reports it.
"""

import os
import re
from typing import Any

from django.conf import settings

from mer_platform.experiments.models import ExternalRun, Run
from mer_platform.experiments.results import results_of
from mer_platform.jobs.models import Claim
from models_ml.errors import InputError
from workers.runner import handles

TRIES = 8
FIRST_WAIT_SECONDS = 60.0  # doubles with each try: the last one starts after two hours
MAX_PARAM_LENGTH = 500  # characters, the limit of the oldest servers


@handles("mlflow")
def log_run(claim: Claim) -> None:
    """Log settings, metrics with their intervals, hashes as tags, and the confusion matrix, once per run."""
    run = Run.objects.select_related("project", "version__composite", "experiment", "external").get(
        pk=claim.job.payload["run"]
    )
    try:
        _send(run)
    except ImportError as error:
        raise InputError(
            "MLFLOW_TRACKING_URI is set, but the MLflow client is not installed. Run: pip install -r requirements-mlflow.txt"
        ) from error
    except Exception as error:  # the client, a proxy and the server raise many kinds
        reason = f"MLflow at {settings.MLFLOW_TRACKING_URI} did not accept run {run.pk}: {error}"
        if claim.attempt >= TRIES:
            raise InputError(reason) from error
        claim.release(reason, FIRST_WAIT_SECONDS * 2 ** (claim.attempt - 1))
        return
    with claim.commit() as job:
        claim.finish(job)


def _send(run: Run) -> None:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # the job itself tries again
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(settings.MLFLOW_TRACKING_URI)
    end = int((run.finished_at or run.created_at).timestamp() * 1000)
    results = results_of(run).as_json()
    logged = _found(client, run) or _created(client, run)
    client.log_batch(
        logged,
        params=[Param(name, str(value)[:MAX_PARAM_LENGTH]) for name, value in _params(run).items()],
        metrics=[Metric(name, value, end, 0) for name, value in _metrics(results).items()],
    )
    client.log_dict(
        logged, {"classes": results["classes"], "confusion": results["confusion"]}, "confusion.json"
    )
    client.set_terminated(logged, "FINISHED", end)


def _found(client: Any, run: Run) -> str | None:
    """Return the MLflow run that an earlier attempt created."""
    experiment = client.get_experiment_by_name(_experiment_name(run))
    if experiment is None:
        return None
    mine = " and ".join(f"tags.`{name}` = '{value}'" for name, value in _tags(run).items())
    found = client.search_runs([experiment.experiment_id], mine, max_results=1)
    return found[0].info.run_id if found else None


def _created(client: Any, run: Run) -> str:
    name = _experiment_name(run)
    experiment = client.get_experiment_by_name(name)
    number = experiment.experiment_id if experiment else client.create_experiment(name)
    start = int(run.created_at.timestamp() * 1000)
    return client.create_run(number, start_time=start, tags=_tags(run), run_name=run.name).info.run_id


def _experiment_name(run: Run) -> str:
    return f"{run.project.slug}/{run.version}"


def _tags(run: Run) -> dict[str, str]:
    return {
        "mer.run": str(run.pk),
        "mer.experiment": str(run.experiment_id),
        "mer.version_hash": run.version.content_hash,
        "mer.config_hash": run.config_hash,
        "mer.seed": str(run.seed),
        "mer.code": str(run.environment.get("code", "")),
        "mer.device": str(run.environment.get("device", "")),
    }


def _params(run: Run) -> dict[str, Any]:
    """Return the settings by path; for an external run, which has none, the protocol that it declares."""
    if run.config is None:
        return {"external": ExternalRun.MARK, "protocol": run.protocol, "source": run.external.source}
    return _flat(run.config)


def _metrics(results: dict[str, Any]) -> dict[str, float]:
    """Return UF1, UAR and accuracy with the ends of their 95% intervals, and UF1 and UAR of each database."""
    found = {}
    for name in ("uf1", "uar", "accuracy"):
        found[name] = results[name]
        if interval := results["intervals_95"].get(name):
            found[f"{name}_low"], found[f"{name}_high"] = interval
    for database, scores in results["per_database"].items():
        folder = re.sub(r"[^\w .-]", "_", database)  # MLflow allows no other characters
        found |= {f"per_database/{folder}/{name}": scores[name] for name in ("uf1", "uar")}
    return {name: float(value) for name, value in found.items() if value is not None}


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by their path.

    >>> _flat({"net": {"width": 0.1, "kernels": [2, 3]}, "seed": 0})
    {'net.width': 0.1, 'net.kernels': [2, 3], 'seed': 0}
    """
    found: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
