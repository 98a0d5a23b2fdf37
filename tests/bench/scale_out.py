"""An experiment on one worker and on two, the cost of scheduling per fold, and its cost with many jobs due."""

import json
import tempfile
from datetime import datetime
from pathlib import Path

from tests.bench import report
from tests.flow_lab import flow_version, query
from tests.live import Api, LivePlatform, wait_until

SUBJECTS = 34
SWEEP = {
    "base": {"net": {"name": "ststnet"}, "train": {"epochs": 60, "batch_size": 64}},
    "grid": {"train.learning_rate": [1e-3, 2e-3], "net.dropout": [0.2, 0.5]},
}
NOTHING = {  # no training: only the scheduler remains
    "base": {"net": {"name": "majority"}},
    "grid": {"train.weight_decay": [n * 1e-4 for n in range(10)]},
}
DUE = 10_000  # jobs that are due while claims are measured
# Runs with the platform's settings. No worker takes jobs of this queue.
CLAIMS = f"""
import json, time
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from django.utils import timezone
project, now = Project.objects.first(), timezone.now()  # announced now, so upkeep ignores them
Job.objects.bulk_create(
    Job(kind="bench", queue="bench", project=project, key=f"bench:{{n}}", group="bench", announced_at=now)
    for n in range({DUE})
)
started = time.monotonic()
claims = [Job.claim_next("bench", "bench:1") for _ in range(200)]
claiming = (time.monotonic() - started) / len(claims)
started = time.monotonic()
for claim in claims:
    with claim.commit() as job:
        claim.finish(job)
print(json.dumps([claiming, (time.monotonic() - started) / len(claims)]))
Job.objects.filter(queue="bench").delete()
"""


def main() -> None:
    times = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            platform = LivePlatform(Path(folder), MER_WORKERS=str(workers), MER_JOB_LEASE_SECONDS="60")
            try:
                api = platform.start().api()
                version = flow_version(platform, api, SUBJECTS, 2)
                times[workers] = run_sweep(platform, api, {**SWEEP, "version": version})[0]
                if workers == 1:
                    scheduling(platform, api, version)
            finally:
                platform.close()
    report("scale-out: the experiment on two workers", times[2], "s", "on one", times[1], "at most", 0.6)


def run_sweep(platform: LivePlatform, api: Api, asked: dict) -> tuple[float, float, int]:
    """Run an experiment. Return seconds from its first bundle to its last, seconds of training, and folds."""
    experiment = f"experiments/{api.post('experiments/', asked)['id']}/"
    wait_until(lambda: api.get(experiment)["state"] == "finished", "the experiment to finish", 900)
    runs = f"SELECT id FROM experiments_run WHERE experiment_id = {experiment.split('/')[1]}"  # noqa: S608
    folds = query(platform, f"SELECT seconds, job_id FROM experiments_fold WHERE run_id IN ({runs})")  # noqa: S608
    bundles = ", ".join(sorted({str(job) for _, job in folds}))
    [(first, last)] = query(
        platform,
        f"SELECT MIN(started_at), MAX(finished_at) FROM jobs_job WHERE id IN ({bundles})",  # noqa: S608
    )
    return seconds_between(first, last), sum(seconds for seconds, _ in folds), len(folds)


def seconds_between(start: object, end: object) -> float:
    """Return the seconds between two times as PostgreSQL (datetime) or SQLite (text) returns them."""
    one, two = (datetime.fromisoformat(str(t)) for t in (start, end))
    return (two - one).total_seconds()


def scheduling(platform: LivePlatform, api: Api, version: int) -> None:
    wall, training, folds = run_sweep(platform, api, {**NOTHING, "version": version})
    report(
        "scale-out: scheduling per fold",
        1000 * (wall - training) / folds,
        "ms",
        "a fold's training",
        1000,
        "at most",
        0.05,
    )
    claiming, committing = json.loads(platform.manage("shell", "--no-imports", "-c", CLAIMS).splitlines()[-1])
    report(
        f"scale-out: a claim with {DUE} due",
        1000 * claiming,
        "ms",
        "a thousand claims a second",
        1,
        "at most",
        20,
    )
    report("scale-out: a job's commit", 1000 * committing, "ms", "a thousand a second", 1, "at most", 20)
