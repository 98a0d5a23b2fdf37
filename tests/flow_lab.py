"""A frozen version of small flow pictures in a running platform, and a look into its jobs."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from models_ml.classes import CLASSES
from tests.live import Api, LivePlatform, wait_until
from tests.pictures import picture_bytes


def flow_version(platform: LivePlatform, api: Api, subjects: int, pictures: int) -> int:
    """Import ``pictures`` a subject, whose bright third says the class, and freeze them; returns the version's id."""
    root = platform.folder / "data" / "import" / "Flow"
    for number in range(subjects * pictures):
        label = CLASSES[number % len(CLASSES)]
        file = root / "Lab" / f"p{number // pictures:02}" / label / f"e{number:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture_bytes(label, number))
    project = api.post("projects/", {"name": "Flow"})["id"]
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
    """Ask the platform's database."""
    if url := platform.env.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode()).fetchall()
    with closing(sqlite3.connect(platform.folder / "data" / "mer.sqlite3", timeout=30)) as connection:
        return connection.execute(statement).fetchall()


def at_work(platform: LivePlatform, kind: str) -> set[int]:
    """Process ids that hold the lease of a job of a kind."""
    held = query(platform, f"SELECT lease_owner FROM jobs_job WHERE kind = '{kind}' AND state = 'running'")  # noqa: S608
    return {int(owner.rpartition(":")[2]) for (owner,) in held}


def ended(api: Api, run: int, seconds: float = 240) -> dict[str, Any]:
    """Wait for a run to end."""

    def answer() -> dict[str, Any] | None:
        found = api.get(f"runs/{run}/")
        return found if found["state"] in ("finished", "failed", "cancelled") else None

    return wait_until(answer, f"run {run} to end", seconds)


def outcome(api: Api, run: int) -> tuple[Any, ...]:
    """What must not depend on what happened meanwhile: every fold with its weights, every prediction."""
    folds = [(fold["name"], fold["state"], fold["weights_sha256"]) for fold in api.get(f"runs/{run}/folds/")]
    return folds, api.get(f"runs/{run}/predictions/")
