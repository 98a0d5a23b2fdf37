"""The same POST, sent many times at once and through killed web processes, does its work once."""

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.flow_lab import query
from tests.live import LivePlatform, wait_until
from tests.scoring_lab import filled

pytestmark = [pytest.mark.services]
AT_ONCE = 20
KILLS = 15
TRIES = 3
DATA = """
from django.contrib.auth.models import User
from mer_platform.composites.models import CompositeVersion
from mer_platform.projects.services import create_project
from tests.pictures import freeze_pictures
versions = CompositeVersion.objects.filter(composite__project__slug="repeated")
print((versions.first() or freeze_pictures(create_project("Repeated", User.objects.get(username="admin")))).pk)
"""


@pytest.fixture(scope="module")
def own_platform(tmp_path_factory) -> Iterator[LivePlatform]:
    """A platform whose web processes may be killed."""
    live = LivePlatform(tmp_path_factory.mktemp("repeated"), MER_WORKERS="1")
    try:
        yield live.start()
    finally:
        live.close()


def sweep(platform: LivePlatform, name: str) -> dict:
    """Return the body of a request that starts an experiment of two runs."""
    version = int(platform.manage("shell", "-v", "0", "-c", DATA))
    return {"version": version, "name": name, "base": {"net": {"name": "majority"}}, "seeds": [0, 1]}


def send(
    platform: LivePlatform, token: str, key: str, body: dict, to: str = "experiments/"
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return requests.post(f"{platform.url}/api/v1/{to}", json=body, headers=headers, timeout=60)


def test_an_experiment_that_is_sent_twenty_times_at_once_starts_once(live_platform):
    platform, body = live_platform, sweep(live_platform, "Twenty")
    token = platform.manage("create_token", "admin").strip()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: send(platform, token, "twenty", body), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].ok, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count(None) == 1
    experiments = "FROM experiments_experiment e JOIN experiments_run r ON r.experiment_id = e.id WHERE e.name = 'Twenty'"
    assert query(platform, f"SELECT count(DISTINCT e.id), count(*) {experiments}") == [(1, 2)]


@pytest.mark.campaign
def test_a_batch_that_is_sent_twenty_times_at_once_is_scored_once(own_platform):
    platform, token = own_platform, own_platform.manage("create_token", "admin").strip()
    lab = filled(platform.env, 4)
    body = {"model": lab["model"], "items": lab["clips"]}
    for number in range(TRIES):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sent = partial(send, platform, token, f"batch-{number}", body)
            answers = list(pool.map(lambda _, sent=sent: sent(to="scoring-batches/"), range(AT_ONCE)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count(None) == 1
        items = "FROM scoring_scoringbatch b JOIN scoring_scoringitem i ON i.batch_id = b.id"
        assert query(platform, f"SELECT count(DISTINCT b.id), count(*) {items}") == [
            (number + 1, 4 * (number + 1))
        ]


@pytest.mark.campaign
def test_a_request_whose_web_process_is_killed_is_done_once_when_sent_again(own_platform):
    platform, body = own_platform, sweep(own_platform, "")
    token = platform.manage("create_token", "admin").strip()
    before = query(platform, "SELECT count(*) FROM experiments_experiment")[0][0]
    moment = random.Random(1)
    with ThreadPoolExecutor(4) as pool:
        for number in range(KILLS):
            body["name"] = f"Killed {number}"
            sent = [pool.submit(send, platform, token, f"killed-{number}", body) for _ in range(4)]
            time.sleep(moment.uniform(0, 0.15))
            for pid in web_workers(platform):
                os.kill(pid, signal.SIGKILL)
            outcomes = [future.exception() or future.result() for future in sent]
            again = wait_until(lambda n=number: answered(platform, token, n, body), "an answer", 30)
            given = [a.content for a in outcomes if isinstance(a, requests.Response) and a.ok]
            assert set(given) <= {again.content}
    assert query(platform, "SELECT count(*) FROM experiments_experiment") == [(before + KILLS,)]


def answered(platform: LivePlatform, token: str, number: int, body: dict) -> requests.Response | None:
    try:
        answer = send(platform, token, f"killed-{number}", body)
    except requests.ConnectionError:
        return None
    return answer if answer.ok else None


def web_workers(platform: LivePlatform) -> list[int]:
    """Return the ids of gunicorn's worker processes: those whose parent is gunicorn, too."""
    web = [pid for pid in platform.processes() if "gunicorn" in command(pid)]
    return [pid for pid in web if parent(pid) in web]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
