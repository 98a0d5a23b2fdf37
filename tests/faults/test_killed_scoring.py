"""SIGKILL in the middle of a scoring batch, of workers, web processes or the broker: each item ends exactly once."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from tests.live import Api, LivePlatform, _command, wait_until
from tests.scoring_lab import SOURCES, filled

pytestmark = [pytest.mark.services]
TRIES = 3  # of each campaign


class OwnRedis:
    """A Redis server of its own, which can be killed. It keeps nothing, so that a restart has lost all messages."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, "Redis")

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def restart(self) -> None:
        """Kill the server, and start an empty one."""
        self._process.kill()
        self._process.wait()
        self.start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(tmp_path, monkeypatch) -> Iterator[OwnRedis]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server not found")
    server = OwnRedis(tmp_path)
    monkeypatch.setenv("REDIS_URL", server.url)
    yield server
    server.close()


@pytest.fixture
def platform(tmp_path) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path, MER_WORKERS="2")
    yield live.start()
    live.close()


class Watched:
    """A batch whose items are looked at again and again: an item that ends twice has two times of its end."""

    def __init__(self, platform: LivePlatform, api: Api, lab: dict[str, Any]) -> None:
        self._api = api
        self.count = len(lab["clips"])
        items = {"model": lab["model"], "items": lab["clips"]}
        self.pk = api.post("scoring-batches/", items)["id"]
        self._source = {clip["clip"]: number % SOURCES for number, clip in enumerate(lab["clips"])}
        self._ended: dict[int, str] = {}

    def look(self) -> int:
        """Note the items that have ended, and return how many. A web process that was just killed answers nothing."""
        try:
            rows = self._api.get(f"scoring-batches/{self.pk}/items/?state=done&page_size=1000")["results"]
        except (requests.ConnectionError, requests.Timeout):
            return 0
        for row in rows:
            assert self._ended.setdefault(row["id"], row["finished_at"]) == row["finished_at"], row
        return len(rows)

    def check_ended_once(self) -> None:
        wait_until(lambda: self.look() == self.count, "all items", 900)
        batch = wait_until(lambda: self._done(), "the end of the batch", 60)
        assert batch["progress"] == {
            "total": self.count, "waiting": 0, "done": self.count, "failed": 0, "cancelled": 0,
        }  # fmt: skip
        self.look()

    def check_equal(self) -> None:
        """The clips are copies of a few: those of one source have equal probabilities, to the last bit, in any job."""
        rows = self._api.get(f"scoring-batches/{self.pk}/items/?page_size=1000")["results"]
        found: dict[int, set[str]] = {}
        for row in rows:
            found.setdefault(self._source[row["clip"]], set()).add(json.dumps(row["probabilities"]))
        assert {source: len(different) for source, different in found.items()} == dict.fromkeys(found, 1)

    def _done(self) -> Any:
        batch = self._api.get(f"scoring-batches/{self.pk}/")
        return batch if batch["state"] == "done" else None


def pool_processes(platform: LivePlatform) -> list[int]:
    """Return the ids of the processes that score: children of the worker's main process."""
    workers = [pid for pid in platform.processes() if "worker@" in _command(pid)]
    return [pid for pid in workers if _parent(pid) in workers]


def web_processes(platform: LivePlatform) -> list[int]:
    found = [pid for pid in platform.processes() if "gunicorn" in _command(pid)]
    return [pid for pid in found if _parent(pid) in found]


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def kill_one(pids: list[int]) -> None:
    for pid in random.sample(pids, min(1, len(pids))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def disturbed(platform: LivePlatform, items: int, kills: int, kill: Callable[[], None]) -> None:
    """Score so many items while ``kill`` is called at equal distances, and check that each ends once."""
    lab = filled(platform.env, items)
    watched = Watched(platform, platform.api(), lab)
    for number in range(1, kills + 1):
        wait_until(lambda number=number: watched.look() >= number * items // (kills + 2), "results", 600)
        kill()
        time.sleep(0.1)
    watched.check_ended_once()
    watched.check_equal()


def test_each_clip_is_scored_once_though_a_worker_is_killed(platform):
    disturbed(platform, 24, 2, lambda: kill_one(pool_processes(platform)))


@pytest.mark.campaign
@pytest.mark.parametrize("attempt", range(TRIES))
def test_500_clips_are_scored_once_though_workers_are_killed(platform, attempt):
    disturbed(platform, 500, 8, lambda: kill_one(pool_processes(platform)))


@pytest.mark.campaign
@pytest.mark.parametrize("attempt", range(TRIES))
def test_500_clips_are_scored_once_though_web_processes_are_killed(platform, attempt):
    disturbed(platform, 500, 8, lambda: kill_one(web_processes(platform)))


@pytest.mark.campaign
@pytest.mark.parametrize("attempt", range(TRIES))
def test_500_clips_are_scored_once_though_the_broker_is_killed(own_redis, platform, attempt):
    disturbed(platform, 500, 4, own_redis.restart)
