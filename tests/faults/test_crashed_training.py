"""Training that crashes its process fails the run, not the worker, and says what was trained."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.flow_lab import ended, flow_version, running_processes
from tests.live import LivePlatform, wait_until

pytestmark = [pytest.mark.services]
# Two folds, so one bundle; far more epochs than the test waits for.
CONFIG = {
    "net": {"name": "resnet", "width": 4},
    "train": {"epochs": 2000, "batch_size": 64},
    "protocol": "kfold",
    "folds": 2,
}


@pytest.fixture
def platform(tmp_path) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path)
    try:
        yield live.start()
    finally:
        live.close()


def in_training(platform: LivePlatform) -> set[int]:
    """Return the processes that train a bundle and whose crash report names it."""
    reports = platform.folder / "data" / "crashes"
    owners = running_processes(platform, "bundle")
    return {pid for pid in owners if any(path.read_text() for path in reports.glob(f"*:{pid}:*"))}


@pytest.mark.campaign
def test_a_run_fails_at_the_second_crash_of_one_bundle(platform):
    api = platform.api()
    version = flow_version(platform, api, subjects=6, pictures=1)
    run = api.post("runs/", {"version": version, "config": CONFIG})["id"]
    crashed: set[int] = set()
    for _ in range(2):
        pid = wait_until(lambda: in_training(platform) - crashed, "a bundle in training").pop()
        os.kill(pid, signal.SIGSEGV)  # SIGABRT from outside would end the process in an orderly way
        crashed.add(pid)
    found = ended(api, run)
    assert found["state"] == "failed"
    assert "Training ResNet (blocks 1; width 4" in found["error"]
    assert "crashed its worker process 2 times" in found["error"]
    quick = {**CONFIG, "train": {"epochs": 1}}
    after = api.post("runs/", {"version": version, "config": quick})["id"]
    assert ended(api, after)["state"] == "finished"
