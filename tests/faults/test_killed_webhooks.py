"""SIGKILL of the process that sends webhooks: each event arrives, under one id, and the log says what was sent."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.flow_lab import query
from tests.live import LivePlatform, _command, wait_until
from tests.receiver import LOOPBACK, Receiver, receiving

pytestmark = [pytest.mark.services, pytest.mark.campaign]
EVENTS, KILLS = 60, 3
ANSWER_SECONDS = 0.2  # so that a kill finds requests on their way
ANNOUNCE = """
from django.contrib.auth.models import User
from mer_platform.projects.services import create_project
from mer_platform.webhooks import services
project = create_project("Webhooks", User.objects.get(username="admin"))
services.create_webhook(project, "{url}", ["run.finished"], User.objects.get(username="admin"))
for number in range({events}):
    services.announce(project.pk, "run.finished", {{"run": number}})
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        receiver.during = lambda _handler: time.sleep(ANSWER_SECONDS)
        yield receiver


@pytest.fixture
def platform(tmp_path) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path, MER_WORKERS="1", MER_WEBHOOK_ALLOW_PRIVATE=",".join(LOOPBACK))
    try:
        yield live.start()
    finally:
        live.close()


def kill_sender(platform: LivePlatform) -> None:
    """Kill the process, which ends the platform, and start it again."""
    senders = [pid for pid in platform.processes() if "webhooks@" in _command(pid)]
    assert senders
    for pid in senders:
        os.kill(pid, signal.SIGKILL)
    platform.wait()
    platform.start()


def test_each_event_arrives_though_the_sender_is_killed(platform, receiver):
    platform.manage("shell", "-c", ANNOUNCE.format(url=receiver.url, events=EVENTS))
    for number in range(1, KILLS + 1):
        enough = number * EVENTS // (KILLS + 2)
        wait_until(lambda enough=enough: len(receiver.received) >= enough, "deliveries", 120)
        kill_sender(platform)
    open_ones = "SELECT count(*) FROM webhooks_delivery WHERE state <> 'delivered'"
    wait_until(lambda: query(platform, open_ones) == [(0,)], "all deliveries", 120)

    sent = Counter(headers["webhook-id"] for headers, _ in receiver.received)
    bodies = {(headers["webhook-id"], body) for headers, body in receiver.received}
    log = query(
        platform,
        "SELECT d.message_id, d.tries, count(a.id), min(a.status), max(a.status) FROM webhooks_delivery d "
        "JOIN webhooks_attempt a ON a.delivery_id = d.id GROUP BY d.message_id, d.tries",
    )
    assert len(log) == len(sent) == len(bodies) == EVENTS
    # What was on its way at a kill is sent once more and logged once; the four threads send four at a time.
    assert {row[1:] for row in log} == {(1, 1, 204, 204)}
    assert max(sent.values()) <= 1 + KILLS
    assert sum(sent.values()) <= EVENTS + 4 * KILLS
    attempts = {message: sent[message] for message, *_ in log}
    claims = query(
        platform,
        "SELECT d.message_id, j.attempt FROM webhooks_delivery d JOIN jobs_job j "
        "ON j.key = 'webhook:' || d.webhook_id || ':' || d.id || ':0'",
    )
    assert len(claims) == EVENTS
    assert all(attempts[message] <= claimed for message, claimed in claims)  # at most one request per attempt
