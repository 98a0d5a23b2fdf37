"""What webhooks learn of runs and experiments: their ids, states and addresses."""

from typing import Any

from django.db import transaction

from mer_platform.experiments.models import Experiment, Run
from mer_platform.jobs.broker import WEBHOOK_QUEUE
from mer_platform.jobs.models import Job
from mer_platform.webhooks.services import announce, public_url, wanted

_OF_RUNS = {Run.State.FINISHED: "run.finished", Run.State.FAILED: "run.failed"}


def announce_end(run: Run) -> None:
    """Announce that a run has ended, in the transaction that ends it.

    Whether it was the last one of its experiment is decided afterwards, by a job: two runs that end at the same moment
    do not see each other's end.
    """
    project = run.project_id
    if event := _OF_RUNS.get(Run.State(run.state)):
        announce(project, event, _of_run(run))
    if wanted(project, "experiment.finished"):
        ended = f"{run.finished_at:%Y%m%dT%H%M%S%f}" if run.finished_at else ""
        Job.enqueue(
            "experiment-ended",
            WEBHOOK_QUEUE,
            project,
            f"experiment-ended:{run.pk}:{ended}",
            f"experiment-ended:{run.experiment_id}",
            {"experiment": run.experiment_id},
        )


def announce_end_of_experiment(experiment_id: int) -> bool:
    """Announce that an experiment has ended, once, if it has. Return whether it has."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
        if experiment is None or experiment.active:
            return False
        announce(
            experiment.project_id,
            "experiment.finished",
            {
                "experiment": experiment.pk,
                "project": experiment.project_id,
                "state": experiment.state,
                "runs": experiment.run_counts,
                "url": public_url(f"/api/v1/experiments/{experiment.pk}/"),
            },
            key=f"experiment.finished:{experiment.pk}:{experiment.round}",
        )
    return True


def _of_run(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "experiment": run.experiment_id,
        "project": run.project_id,
        "state": run.state,
        "url": public_url(f"/api/v1/runs/{run.pk}/"),
    }
