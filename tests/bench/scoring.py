"""Scoring through API, broker and one worker, compared with a bare loop over models_ml in one process of the same run.

Onset and apex are given. Both decode, align, solve the flow and predict, in groups of the same size; the platform also
stores features and results. The loop scores one half of the clips before the platform scores all of them, and the other half
afterwards, so that both see the same machine. Set ``REDIS_URL`` to measure with Redis; the embedded broker is measured as
well. ``MER_BENCH_CLIPS`` changes the number of clips.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import report
from tests.flow_lab import query
from tests.live import Api, LivePlatform, wait_until
from tests.scoring_lab import ROOT, filled

CLIPS = int(os.environ.get("MER_BENCH_CLIPS", 500))
SINGLES = 15  # batches of one clip, for the latency
SHARE, REDIS_MS, EMBEDDED_MS = 0.8, 250, 600
POLL_SECONDS = 0.01


def main() -> None:
    brokers = ["embedded"] if not os.environ.get("REDIS_URL") else ["Redis", "embedded"]
    for broker in brokers:
        if broker == "embedded":
            os.environ.pop("REDIS_URL", None)
        with tempfile.TemporaryDirectory() as folder:
            platform = LivePlatform(Path(folder), MER_WORKERS="1", MER_LOG_LEVEL="WARNING")
            try:
                platform.start()
                measure(platform, broker, throughput=broker == brokers[0])
            finally:
                platform.close()


def measure(platform: LivePlatform, broker: str, throughput: bool) -> None:
    lab = filled(platform.env, (CLIPS if throughput else 0) + 2 * SINGLES + 1)
    api = platform.api()
    clips = lab["clips"]
    Timed(api, lab["model"], clips[:1])  # the worker loads its libraries and the model
    singles, many = clips[1 : 2 * SINGLES + 1], clips[2 * SINGLES + 1 :]
    with Bare(platform.env, lab["model"]) as bare:
        bare.seconds(clips[:1])
        latency(platform, api, lab["model"], singles, bare, broker)
        if throughput:
            rate(platform, api, lab["model"], many, bare)


def latency(
    platform: LivePlatform, api: Api, model: int, clips: list[dict[str, int]], bare: "Bare", broker: str
) -> None:
    """Measure batches of one clip, in turns with the bare computation of other clips."""
    ours, theirs, stages = [], [], []
    for mine, other in zip(clips[::2], clips[1::2], strict=True):
        batch = Timed(api, model, [mine])
        ours.append(1000 * batch.seconds)
        stages.append(batch.stages(platform))
        theirs.append(1000 * bare.seconds([other]))
    allowed = REDIS_MS if broker == "Redis" else EMBEDDED_MS
    bare_ms = median(theirs)
    against = f"bare {bare_ms:.0f} ms + {allowed} ms"
    report(f"scoring: one clip, {broker}, median", median(ours), "ms", against, bare_ms + allowed, "at most")
    means = {name: round(median(one[name] for one in stages), 1) for name in stages[0]}
    print(
        json.dumps({"bench": f"scoring: one clip, {broker}, ms of each stage, medians", **means}), flush=True
    )
    print_load()


def rate(platform: LivePlatform, api: Api, model: int, clips: list[dict[str, int]], bare: "Bare") -> None:
    half = len(clips) // 2
    bare_cpu = -cpu_seconds([bare.pid])
    theirs = bare.seconds(clips[:half])
    bare_cpu += cpu_seconds([bare.pid])
    cpu = -cpu_seconds(platform.processes())
    ours, stages = timed_batch(api, model, clips)
    cpu += cpu_seconds(platform.processes())
    theirs += bare.seconds(clips[half:])
    stages["CPU"] = round(1000 * cpu / len(clips), 2)
    of_bare = bare.stages(clips) | {"CPU": round(1000 * bare_cpu / half, 2)}
    report(
        f"scoring: {len(clips)} clips", len(clips) / ours, "clips/s", "a bare loop over models_ml", len(clips) / theirs,
        "at least", SHARE,
    )  # fmt: skip
    print(json.dumps({"bench": "scoring: ms per clip, platform", **stages}), flush=True)
    print(json.dumps({"bench": "scoring: ms per clip, bare loop", **of_bare}), flush=True)
    print_load()


class Timed:
    """A small batch, from the request until its results are read."""

    def __init__(self, api: Api, model: int, items: list[dict[str, int]]) -> None:
        self._began = time.time()
        self.pk = api.post("scoring-batches/", {"model": model, "items": items})["id"]
        while api.get(f"scoring-batches/{self.pk}/")["state"] != "done":
            time.sleep(POLL_SECONDS)
        self._results = api.get(f"scoring-batches/{self.pk}/items/")["results"]
        self._ended = time.time()
        assert all(item["state"] == "done" for item in self._results), self._results

    @property
    def seconds(self) -> float:
        return self._ended - self._began

    def stages(self, platform: LivePlatform) -> dict[str, float]:
        """Return the milliseconds until the job was stored, claimed and done, until it was read, and of the job."""
        columns = "created_at, started_at, finished_at"
        [row] = query(platform, f"SELECT {columns} FROM jobs_job WHERE key LIKE 'batch:{self.pk}:%'")  # noqa: S608
        created, started, finished = map(_epoch, row)
        parts = {"request": created - self._began, "queue": started - created}
        parts |= {"job": finished - started, "answer": self._ended - finished}
        means = {name: 1000 * value for name, value in parts.items()}
        return means | {f"job: {name}": value for name, value in self._results[0]["timings"].items()}


def _epoch(stored: Any) -> float:
    """Return a time as the database gives it (SQLite: text, in UTC) in seconds since 1970."""
    at = datetime.fromisoformat(stored).replace(tzinfo=UTC) if isinstance(stored, str) else stored
    return float(at.timestamp())


def print_load() -> None:
    """Print how busy the machine is: with other work on its cores, the times above are longer."""
    load = {"load of the last minute": round(os.getloadavg()[0], 1), "cores": os.cpu_count()}
    print(json.dumps({"bench": "scoring: the machine", **load}), flush=True)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def timed_batch(api: Api, model: int, items: list[dict[str, int]]) -> tuple[float, dict[str, float]]:
    """Return the seconds of a large batch until all of its results were read, and the mean milliseconds of each stage."""
    began = time.perf_counter()
    batch = api.post("scoring-batches/", {"model": model, "items": items})
    accepted = time.perf_counter() - began
    wait_until(
        lambda: api.get(f"scoring-batches/{batch['id']}/?wait=5")["state"] == "done", "the batch", 1800
    )
    scored = time.perf_counter() - began
    results = api.get(f"scoring-batches/{batch['id']}/items/?page_size=1000")["results"]
    seconds = time.perf_counter() - began
    assert [item["state"] for item in results] == ["done"] * len(items)
    means = {
        stage: round(sum(item["timings"][stage] for item in results) / len(results), 2)
        for stage in ("decode", "features", "network")
    }
    rest = {"POST": accepted, "jobs": scored - accepted, "GET of items": seconds - scored}
    return seconds, means | {name: round(1000 * value / len(items), 2) for name, value in rest.items()}


class Bare:
    """A process that scores clips of the platform's data folder with models_ml alone, set up like a worker."""

    def __init__(self, env: dict[str, str], model: int) -> None:
        command = [sys.executable, "-m", "tests.bench._scoring_bare", str(model)]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**env, **one_thread},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stages: dict[str, float] = {}
        self._clips = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "Bare":
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def seconds(self, clips: list[dict[str, int]]) -> float:
        """Return the seconds that the loop needs for these clips."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(clips) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if len(clips) > 1:
            self._clips += len(clips)
            for name, value in answer["stages"].items():
                self._stages[name] = self._stages.get(name, 0.0) + value
        return answer["seconds"]

    def stages(self, clips: list[dict[str, int]]) -> dict[str, float]:
        """Return the mean milliseconds of each stage in the large loops."""
        return {name: round(1000 * value / self._clips, 2) for name, value in self._stages.items()}
