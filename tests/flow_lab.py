"""Freeze a version of small flow pictures in a running platform, and inspect its jobs."""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from typing import Any

import psycopg

from models_ml.classes import CLASSES
from tests.live import Api, LivePlatform, wait_until
from tests.trees.flow_pictures import picture_bytes


def flow_version(platform: LivePlatform, api: Api, subjects: int, pictures: int) -> int:
    """Import ``pictures`` per subject, whose bright third shows the class, freeze them, and return the version's id."""
    root = platform.folder / "data" / "import" / "Flow"
    for number in range(subjects * pictures):
        label = CLASSES[number % len(CLASSES)]
        file = root / "Lab" / f"p{number // pictures:02}" / label / f"e{number:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture_bytes(label, number))
    project = api.post("projects/", {"name": "Flow"})["id"]
    api.post("import-folders/", {"project": project, "path": "Flow"})
    started = {"project": project, "layout": "flow-images", "source": "Flow"}
    batch = f"imports/{api.post('imports/', started)['id']}/"
    wait_until(lambda: api.get(batch)["state"] == "checked", "the check of the pictures")
    api.post(f"{batch}confirm/", {"accepted": []})
    wait_until(lambda: api.get(batch)["state"] == "finished", "the pictures to be imported", 120)
    [database] = api.get(f"databases/?project={project}")["results"]
    fields = {
        "project": project,
        "name": "Flow",
        "databases": [database["id"]],
        "label_map": {"Lab": {label: label for label in CLASSES}},
    }
    return api.post("composite-versions/", fields)["id"]


def query(platform: LivePlatform, statement: str) -> list[tuple[Any, ...]]:
    """Query the platform's database."""
    if url := platform.env.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(platform.folder / "data" / "mer.sqlite3", timeout=30)) as connection:
        return connection.execute(statement).fetchall()


def running_processes(platform: LivePlatform, kind: str) -> set[int]:
    """Return the ids of the processes that hold the lease of a job of this kind."""
    held = query(platform, f"SELECT lease_owner FROM jobs_job WHERE kind = '{kind}' AND state = 'running'")  # noqa: S608
    return {int(owner.rpartition(":")[2]) for (owner,) in held}


def ended(api: Api, run: int, seconds: float = 240) -> dict[str, Any]:
    """Wait for a run to end."""

    def answer() -> dict[str, Any] | None:
        found = api.get(f"runs/{run}/")
        return found if found["state"] in ("finished", "failed", "cancelled") else None

    return wait_until(answer, f"run {run} to end", seconds)


def outcome(api: Api, run: int) -> tuple[Any, ...]:
    """Return what must not depend on killed workers: each fold with its weights, and each prediction."""
    folds = [
        (fold["name"], fold["state"], fold["weights_sha256"])
        for fold in api.get(f"runs/{run}/folds/?page_size=1000")["results"]
    ]
    return folds, api.get(f"runs/{run}/predictions/?page_size=1000")["results"]


def done(api: Api, run: int) -> dict[str, int]:
    """Return the finished folds, each with the attempt that finished it."""
    return {
        fold["name"]: fold["attempt"]
        for fold in api.get(f"runs/{run}/folds/?page_size=1000")["results"]
        if fold["state"] == "done"
    }


def kill_one(platform: LivePlatform, already: set[int], moment: random.Random, within: float) -> None:
    """Kill a training process with SIGKILL, at a random moment ``within`` seconds after it was seen.

    Its lease remains until upkeep ends it, so the process is added to those killed ``already``.
    """
    fresh = wait_until(lambda: running_processes(platform, "bundle") - already, "a bundle in training")
    time.sleep(moment.uniform(0, within))
    pid = moment.choice(sorted(fresh))
    os.kill(pid, signal.SIGKILL)
    already.add(pid)


def attempts_lost(platform: LivePlatform, run: int) -> int:
    """Return how many attempts at bundles of the run were lost."""
    bundles = f"SELECT job_id FROM experiments_fold WHERE run_id = {run}"  # noqa: S608
    [(lost,)] = query(platform, f"SELECT SUM(attempt) - COUNT(*) FROM jobs_job WHERE id IN ({bundles})")  # noqa: S608
    return int(lost)
