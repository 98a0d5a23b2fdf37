"""SIGKILL, cancel and pause in the middle of training cost time, but change no result."""

import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from mer_platform.features.services import SAMPLES_PER_JOB
from tests.flow_lab import (
    attempts_lost,
    done,
    ended,
    flow_version,
    kill_one,
    outcome,
    query,
    running_processes,
)
from tests.live import Api, LivePlatform, wait_until

pytestmark = [pytest.mark.services]
SUBJECTS, PICTURES = 68, 1
CONFIG = {"net": {"name": "ststnet"}, "train": {"epochs": 40, "batch_size": 64}}
CLICKS = 6
FAIL = """
from mer_platform.experiments import steps
from mer_platform.experiments.models import Run
steps.fail_runs({experiment}, Run.objects.filter(pk={run}), "the disk is full")
"""
KILLS = 5  # the benchmark “killed” does twenty


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path_factory.mktemp("bundles"))
    try:
        yield live.start()
    finally:
        live.close()


@pytest.fixture(scope="module")
def api(platform) -> Api:
    return platform.api()


@pytest.fixture(scope="module")
def version(platform, api) -> int:
    return flow_version(platform, api, SUBJECTS, PICTURES)


@pytest.fixture(scope="module")
def undisturbed(api, version) -> int:
    run = launch(api, version)
    assert ended(api, run)["state"] == "finished"
    return run


def launch(api: Api, version: int) -> int:
    return api.post("runs/", {"version": version, "config": CONFIG})["id"]


def test_a_run_whose_workers_are_killed_gives_the_same_results(platform, api, version, undisturbed):
    run = launch(api, version)
    killed: set[int] = set()
    before: dict[str, int] = {}
    for _ in range(KILLS):
        kill_one(platform, killed, random.Random(len(killed)), within=1.0)
        now = done(api, run)
        assert before.items() <= now.items()  # committed work is not repeated
        before = now
    assert ended(api, run)["state"] == "finished"
    assert len(done(api, run)) == SUBJECTS
    assert outcome(api, run) == outcome(api, undisturbed)
    assert attempts_lost(platform, run) <= KILLS  # each kill cost at most the current bundle


@pytest.mark.campaign
def test_killing_an_idle_process_does_not_stop_the_others(platform, api, version):
    """With the broker in files, idle processes queue for the next message. This kills the first in the queue, too."""
    names = {worker["name"] for worker in api.get("workers/")["results"]}
    idle = [int(name.rpartition(":")[2]) for name in names]
    for pid in idle:
        if "worker@" in (Path("/proc") / str(pid) / "cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: {worker["name"] for worker in api.get("workers/")["results"]} - names, "other processes"
    )
    assert ended(api, launch(api, version))["state"] == "finished"


@pytest.mark.campaign
def test_a_run_continues_after_the_platform_was_killed_and_restarted(platform, api, version, undisturbed):
    run = launch(api, version)
    wait_until(lambda: done(api, run), "a bundle to be done")
    assert platform.kill_workers()
    wait_until(lambda: not platform.running, "the platform to stop without its worker")
    platform.start()
    assert ended(api, run)["state"] == "finished"
    assert outcome(api, run) == outcome(api, undisturbed)


def test_a_cancelled_run_frees_its_workers(platform, api, version):
    long = {**CONFIG, "train": {"epochs": 2000, "batch_size": 64}}
    run = api.post("runs/", {"version": version, "config": long})["id"]
    wait_until(lambda: running_processes(platform, "bundle"), "a bundle in training")
    wait_until(
        lambda: {"bundle"} == {w["job"]["kind"] for w in api.get("workers/")["results"] if w["job"]},
        "the list of workers to show what they train",
    )
    assert api.post(f"runs/{run}/cancel/", {})["state"] == "cancelled"
    wait_until(lambda: not running_processes(platform, "bundle"), "the bundles to stop", 30)
    assert not done(api, run)
    assert {fold["state"] for fold in api.get(f"runs/{run}/folds/")["results"]} == {"waiting"}


@pytest.mark.campaign
def test_a_paused_experiment_waits_while_others_continue_and_resumes(platform, api, version, undisturbed):
    sweep = {"version": version, "base": CONFIG, "grid": {"train.learning_rate": [2e-3, 1e-3]}}
    experiment = f"experiments/{api.post('experiments/', sweep)['id']}/"
    wait_until(lambda: running_processes(platform, "bundle"), "a bundle in training")
    api.post(f"{experiment}pause/", {})
    wait_until(lambda: not running_processes(platform, "bundle"), "the current bundles to end")
    paused_at = api.get(experiment)["progress"]["folds_done"]
    assert 0 < paused_at < 2 * SUBJECTS
    assert ended(api, launch(api, version))["state"] == "finished"  # the workers are free for another run
    assert api.get(experiment)["progress"]["folds_done"] == paused_at
    api.post(f"{experiment}resume/", {})
    first, second = api.get(experiment)["runs"]
    assert ended(api, first["id"])["state"] == ended(api, second["id"])["state"] == "finished"
    assert api.get(experiment)["state"] == "finished"
    assert len(done(api, first["id"])) == len(done(api, second["id"])) == SUBJECTS


def test_of_simultaneous_clicks_only_one_runs_the_failed_run_again(platform, api, version):
    base = {**CONFIG, "protocol": "kfold", "folds": 2}
    sweep = {"version": version, "base": base, "grid": {"train.learning_rate": [2e-3, 1e-3]}}
    launched = api.post("experiments/", sweep)
    experiment, run = f"experiments/{launched['id']}/", launched["runs"][1]["id"]
    api.post(f"{experiment}pause/", {})
    platform.manage("shell", "-c", FAIL.format(experiment=launched["id"], run=run))
    address = f"{platform.url}/api/v1/runs/{run}/rerun/"
    signed = {"Authorization": f"Bearer {platform.manage('create_token', 'admin').strip()}"}
    with ThreadPoolExecutor(CLICKS) as pool:
        answers = pool.map(lambda _: requests.post(address, headers=signed, timeout=60), range(CLICKS))
        assert sorted(answer.status_code for answer in answers) == [202] + [409] * (CLICKS - 1)
    api.post(f"{experiment}resume/", {})
    assert ended(api, run)["state"] == "finished"
    assert len(done(api, run)) == 2
    group = f"experiment:{launched['id']}:features"
    asked = query(platform, f"SELECT key FROM jobs_job WHERE key LIKE '{group}:%:1:%'")  # noqa: S608
    ranges = {key.rpartition(":")[2] for (key,) in asked}
    assert len(asked) == len(ranges) == -(-SUBJECTS // SAMPLES_PER_JOB)
