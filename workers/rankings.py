"""Queue ``scoring``, kind ``ranking``: rank the runs of an experiment after some of them were deleted."""

from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment
from mer_platform.jobs.models import Claim, JobCancelled
from workers.runner import handles


@handles("ranking")
def rank_again(claim: Claim) -> None:
    """Store the ranking. A page that was opened before has stored the same one."""
    experiment = Experiment.objects.filter(pk=claim.job.payload["experiment"]).first()
    if experiment is None:
        raise JobCancelled("The experiment was deleted.")
    steps.store_ranking(experiment.pk)
    with claim.commit() as job:
        claim.finish(job)
