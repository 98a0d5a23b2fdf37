"""``/healthz`` and ``/readyz`` answer without sign-in, quickly, and give no secrets away."""

import time

import pytest

from mer_platform import readiness
from mer_platform.jobs import clock
from mer_platform.jobs.broker import QUEUES
from mer_platform.jobs.models import Worker

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ready(client, monkeypatch):
    """Ask for the state of the server, with a worker for each queue."""
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)
    Worker.objects.create(
        name="w:1", host="w", pid=1, device="cpu", queues=list(QUEUES), last_seen=clock.read()
    )
    return lambda: client.get("/readyz")


def fail(*_args, **_kwargs):
    raise ConnectionError("redis://user:secret@host is away")


def test_a_process_that_answers_is_healthy(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_server_is_ready_when_all_parts_answer(ready):
    answer = ready()
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "ready"), body
    assert body["parts"]["workers"]["queues"]["ingest"] == 1
    assert body["parts"]["disk"]["free_bytes"] > 0


@pytest.mark.parametrize(("part", "status"), [("broker", 200), ("storage", 503), ("database", 503)])
def test_a_part_that_is_away_is_named_without_its_address(ready, monkeypatch, part, status):
    monkeypatch.setitem(readiness.CHECKS, part, fail)
    answer = ready()
    assert (answer.status_code, answer.json()["parts"][part]["ok"]) == (status, False)
    assert "secret" not in answer.content.decode()


def test_a_part_that_stalls_does_not_delay_the_answer(ready, monkeypatch):
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setitem(readiness.CHECKS, "broker", lambda: time.sleep(1))
    assert "did not answer within 0.1 s" in ready().json()["parts"]["broker"]["detail"]


def test_a_nearly_full_disk_and_missing_workers_are_reported(ready, monkeypatch):
    Worker.objects.update(last_seen=clock.read() - clock.timedelta(hours=1))
    answer = ready()
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "No worker was seen for: ingest" in answer.json()["parts"]["workers"]["detail"]
    monkeypatch.setattr(readiness, "disk_space", lambda: (1, 2))
    assert ready().status_code == 503
