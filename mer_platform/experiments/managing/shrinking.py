"""What is left of an experiment when some of its runs are deleted: its settings, its jobs and its ranking."""

import hashlib

from django.core.exceptions import ValidationError

from mer_platform.configurations.parsing import parse_sweep
from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment, Run
from mer_platform.jobs.models import Job


def shrink(experiment: Experiment) -> None:
    """Adapt an experiment, whose row is locked, to the runs that it still has.

    Jobs that no run waits for are cancelled. Values and seeds that no run has leave its settings, so that a clone does not
    bring back what was deleted. A worker ranks the runs that are left.
    """
    runs = list(experiment.runs.order_by("pk"))
    steps.drop_idle_jobs(experiment.pk)
    if experiment.paused and not any(run.active for run in runs):
        experiment.paused = False
        Job.release_group(experiment.group)  # as cancelling does, for bundles that are being stopped
    if experiment.sweep is not None:
        experiment.sweep = _narrowed(experiment.sweep, runs)
    experiment.save(update_fields=["paused", "sweep"])
    if len([run for run in runs if run.scored]) > 1:
        _queue_ranking(experiment, runs)


def _narrowed(sweep: dict[str, object], runs: list[Run]) -> dict[str, object]:
    """Return the settings without what no run has; as they are if they are of an earlier form."""
    try:
        left = parse_sweep(sweep).narrowed(
            {run.settings.content_hash() for run in runs if not run.is_external}
        )
    except (ValidationError, ValueError):
        return sweep
    return left.model_dump(mode="json")


def _queue_ranking(experiment: Experiment, runs: list[Run]) -> None:
    """Queue ranking what is left: it takes seconds for hundreds of runs, and the next visitor of the page would wait."""
    which = hashlib.sha256(repr([run.pk for run in runs]).encode()).hexdigest()[:16]
    group = f"ranking:{experiment.pk}"  # not of the experiment, whose jobs end with its active runs
    payload = {"experiment": experiment.pk}
    Job.enqueue("ranking", "scoring", experiment.project_id, f"{group}:{which}", group, payload)
