"""SIGKILL in the middle of a run costs time and nothing else."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.lab import barcode_clips
from tests.live import Api, LivePlatform, wait_until

pytestmark = [pytest.mark.services]
CONFIG = {"train": {"epochs": 200}, "net": {"kernels": [2, 3]}}


LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path_factory.mktemp("killed"))
    yield live.start()
    live.close()


@pytest.fixture(scope="module")
def api(platform) -> Api:
    return platform.api()


@pytest.fixture(scope="module")
def version(api, tmp_path_factory) -> int:
    """A frozen version of labelled clips of four subjects, made through the API."""
    project = api.post("projects/", {"name": "Faults"})["id"]
    database = api.post("databases/", {"project": project, "name": "Lab", "fps": 200})["id"]
    clips = barcode_clips(tmp_path_factory.mktemp("clips"), subjects=4)
    uploaded = []
    for clip in clips:
        with clip.path.open("rb") as file:
            fields = {"database": database, "subject": clip.spec.subject, "fps": 200}
            uploaded.append(api.post("clips/", fields, files={"file": file})["id"])
    for pk, clip in zip(uploaded, clips, strict=True):
        wait_until(lambda pk=pk: api.get(f"clips/{pk}/")["state"] == "ready", f"clip {pk} to be ready")
        marks = {"onset": clip.spec.onset, "apex": clip.spec.apex, "offset": clip.spec.offset}
        api.post("annotations/", {"clip": pk, "emotion": clip.spec.emotion, **marks})
    label_map = {"Lab": {clip.spec.emotion: LABELS[clip.spec.emotion] for clip in clips}}
    fields = {"project": project, "name": "Set", "databases": [database], "label_map": label_map}
    return api.post("composite-versions/", fields)["id"]


def launch(api: Api, version: int) -> int:
    return api.post("runs/", {"version": version, "config": CONFIG})["id"]


def wait_for_end(api: Api, run: int) -> dict:
    def ended() -> dict | None:
        answer = api.get(f"runs/{run}/")
        return answer if answer["state"] in ("finished", "failed", "cancelled") else None

    return wait_until(ended, f"run {run} to end", 240)


def wait_for_folds(api: Api, run: int, count: int) -> None:
    def reached() -> bool:
        answer = api.get(f"runs/{run}/")
        return answer["state"] == "training" and answer["progress"]["folds_done"] >= count

    wait_until(reached, f"{count} folds of run {run}", 240)


def weights(api: Api, run: int) -> list[tuple[str, str]]:
    return [(fold["name"], fold["weights_sha256"]) for fold in api.get(f"runs/{run}/folds/")]


@pytest.fixture(scope="module")
def undisturbed(api, version) -> int:
    run = launch(api, version)
    assert wait_for_end(api, run)["state"] == "finished"
    return run


def processes_at_work(platform: LivePlatform) -> list[int]:
    """Process ids that hold the lease of a fold, read from the platform's database."""
    query = "SELECT lease_owner FROM jobs_job WHERE kind = 'fold' AND state = 'running'"
    if url := platform.env.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            rows = connection.execute(query).fetchall()
    else:
        with closing(sqlite3.connect(platform.folder / "data" / "mer.sqlite3", timeout=30)) as connection:
            rows = connection.execute(query).fetchall()
    return [int(owner.rpartition(":")[2]) for (owner,) in rows]


def test_a_run_whose_training_processes_are_killed_ends_as_the_undisturbed_one(
    platform, api, version, undisturbed
):
    run = launch(api, version)
    killed: set[int] = set()  # their leases stay in the database until upkeep ends them
    for folds in (0, 2):
        wait_for_folds(api, run, folds)
        for pid in wait_until(lambda: set(processes_at_work(platform)) - killed, "a fold in training"):
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    assert wait_for_end(api, run)["state"] == "finished"
    assert max(fold["attempt"] for fold in api.get(f"runs/{run}/folds/")) > 1
    assert_same(api, run, undisturbed)


def test_a_run_goes_on_after_the_whole_platform_was_killed_and_restarted(platform, api, version, undisturbed):
    run = launch(api, version)
    wait_for_folds(api, run, 1)
    assert platform.kill_workers()
    wait_until(lambda: not platform.running, "the platform to stop without its worker")
    platform.start()
    assert wait_for_end(api, run)["state"] == "finished"
    assert_same(api, run, undisturbed)


def assert_same(api: Api, run: int, undisturbed: int) -> None:
    """Every fold once, every sample predicted once, from the same weights."""
    assert api.get(f"runs/{run}/predictions/") == api.get(f"runs/{undisturbed}/predictions/")
    assert weights(api, run) == weights(api, undisturbed)
    assert api.get(f"runs/{run}/")["progress"]["folds_done"] == 4
