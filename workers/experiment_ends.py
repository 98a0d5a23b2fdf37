"""Queue ``webhooks``, kind ``experiment-ended``: announce that an experiment has ended, if that was its last run."""

from mer_platform.experiments.announcing import announce_end_of_experiment
from mer_platform.jobs.models import Claim
from workers.runner import handles


@handles("experiment-ended")
def experiment_ended(claim: Claim) -> None:
    """Announce the end of the experiment, unless a run of it is active. An end is announced once."""
    announce_end_of_experiment(claim.job.payload["experiment"])
    with claim.commit() as job:
        claim.finish(job)
