"""A run of 68 folds whose workers are killed twenty times, compared with the same run undisturbed."""

import random
import tempfile
import time
from pathlib import Path

from tests.bench import report
from tests.flow_lab import attempts_lost, done, ended, flow_version, kill_one, outcome
from tests.live import Api, LivePlatform

SUBJECTS, KILLS = 68, 20
BUNDLE_SHARE = 0.17  # of an undisturbed run: slightly less than a bundle takes on two workers
CONFIG = {"net": {"name": "ststnet"}, "train": {"epochs": 12, "batch_size": 64}}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = LivePlatform(Path(folder))
        try:
            measure(platform.start(), platform.api())
        finally:
            platform.close()


def measure(platform: LivePlatform, api: Api) -> None:
    version = flow_version(platform, api, SUBJECTS, 1)
    started = time.monotonic()
    undisturbed = launch(api, version)
    assert ended(api, undisturbed)["state"] == "finished"
    quick = time.monotonic() - started
    runs, killed, twice = [launch(api, version)], set[int](), 0
    before: dict[str, int] = {}
    started = time.monotonic()
    while len(killed) < KILLS:
        if api.get(f"runs/{runs[-1]}/")["state"] not in ("features", "training"):
            runs.append(launch(api, version))  # the run ended before all kills were done
            before = {}
        kill_one(platform, killed, random.Random(len(killed)), within=BUNDLE_SHARE * quick)
        now = done(api, runs[-1])
        twice += sum(now.get(name) != attempt for name, attempt in before.items())
        before = now
    states = [ended(api, run, 900)["state"] for run in runs]
    slow = time.monotonic() - started
    wanted = outcome(api, undisturbed)
    equal = sum(outcome(api, run) == wanted for run in runs)
    lost = sum(attempts_lost(platform, run) for run in runs)
    report("killed: runs finished under 20 kills", states.count("finished"), "", "all", len(runs), "at least")
    report("killed: runs equal to the undisturbed, fold by fold", equal, "", "all", len(runs), "at least")
    report("killed: committed folds not trained again", SUBJECTS - twice, "", "all", SUBJECTS, "at least")
    report("killed: bundles started without effect", lost, "", "one per kill", KILLS, "at most")
    report("killed: time per run", slow / len(runs), "s", "undisturbed", quick, "at most", 10)


def launch(api: Api, version: int) -> int:
    return api.post("runs/", {"version": version, "config": CONFIG})["id"]
