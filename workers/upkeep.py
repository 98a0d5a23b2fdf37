"""Queue ``upkeep``: every few seconds, what was dropped is picked up again, and what was left lying is removed."""

from mer_platform.jobs.broker import UPKEEP, app
from mer_platform.jobs.models import Claim
from mer_platform.jobs.upkeep import abandoned_jobs, announce_due, expire_dead_leases, forget_dead_workers
from mer_platform.storage import remove_unfinished
from workers.runner import fail


@app.task(name=UPKEEP)
def upkeep() -> None:
    expire_dead_leases()
    forget_dead_workers()
    for job in abandoned_jobs():
        fail(
            Claim(job),
            f"The worker died {job.attempt} times at this ({job.key}); it may need more memory than there is.",
        )
    announce_due()
    remove_unfinished()
