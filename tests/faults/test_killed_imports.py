"""SIGKILL in the middle of an import: each clip is imported exactly once."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.live import LivePlatform, wait_until
from tests.trees import large_casme2_tree

pytestmark = [pytest.mark.services]
CLIPS, FRAMES = 24, 24 * 60


@pytest.fixture
def platform(tmp_path) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path)
    yield live.start()
    live.close()


def busy_workers(platform: LivePlatform) -> list[int]:
    """Return the ids of processes that hold the lease of an import job, from the platform's database."""
    query = "SELECT lease_owner FROM jobs_job WHERE kind = 'import' AND state = 'running'"
    if url := platform.env.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            rows = connection.execute(query).fetchall()
    else:
        with closing(sqlite3.connect(platform.folder / "data" / "mer.sqlite3", timeout=30)) as connection:
            rows = connection.execute(query).fetchall()
    return [int(owner.rpartition(":")[2]) for (owner,) in rows]


def test_an_import_whose_workers_are_killed_imports_each_clip_once(platform, tmp_path):
    api = platform.api()
    project = api.post("projects/", {"name": "Killed"})["id"]
    large_casme2_tree(tmp_path / "data" / "import" / "CASME2", clips=CLIPS, total=FRAMES)
    api.post("import-folders/", {"project": project, "path": "CASME2"})
    started = {"project": project, "layout": "casme2", "source": "CASME2"}
    batch = f"imports/{api.post('imports/', started)['id']}/"
    wait_until(lambda: api.get(batch)["state"] == "checked", "the check")
    api.post(f"{batch}confirm/", {"accepted": []})
    killed: set[int] = set()
    for done in (1, 6):
        wait_until(lambda done=done: api.get(batch)["counts"]["done"] >= done, f"{done} clips")
        for pid in wait_until(lambda: set(busy_workers(platform)) - killed, "a running job"):
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    wait_until(lambda: api.get(batch)["state"] == "finished", "the import to finish", 200)
    assert api.get(batch)["counts"] == {
        "waiting": 0,
        "done": CLIPS,
        "there": 0,
        "failed": 0,
        "total": CLIPS,
    }
    assert api.get(f"clips/?project={project}&state=ready")["count"] == CLIPS
    assert api.get("consensus/")["count"] == CLIPS
