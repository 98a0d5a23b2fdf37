"""Queue ``upkeep``: every few seconds, announce dropped jobs again, and remove what dead workers left."""

from mer_platform.accounts.sessions import forget_expired
from mer_platform.deletion.retention import forget_old_jobs, remove_old_exports, remove_old_weights
from mer_platform.deletion.services import remove_files
from mer_platform.deletion.usage import count_next
from mer_platform.jobs.broker import UPKEEP, app
from mer_platform.jobs.crashes import count_crashes
from mer_platform.jobs.upkeep import abandoned_jobs, announce_due, expire_dead_leases, forget_dead_workers
from mer_platform.registry.services import queue_missing_facts
from mer_platform.rest.models import forget_old_answers
from mer_platform.storage import remove_unfinished
from mer_platform.uploads.services import remove_expired
from mer_platform.webhooks.services import remove_old_deliveries
from mer_platform.withdrawals.upkeep import catch_up_once, complete_withdrawals
from workers.runner import give_up


@app.task(name=UPKEEP)
def upkeep() -> None:
    count_crashes()  # before leases end: a job that crashed too often is not started again
    expire_dead_leases()
    forget_dead_workers()
    for job in abandoned_jobs():
        give_up(job)
    announce_due()
    remove_unfinished()
    remove_expired()
    forget_old_answers()
    forget_expired()
    remove_old_weights()
    remove_old_exports()
    forget_old_jobs()
    remove_old_deliveries()
    queue_missing_facts()
    remove_files()
    catch_up_once()
    complete_withdrawals()
    count_next()
