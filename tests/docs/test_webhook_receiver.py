"""The receiver in docs/webhooks.md checks what the platform sends."""

import os
import socket
import subprocess
import sys

import pytest

from mer_platform.webhooks import services, signing
from mer_platform.webhooks.models import Delivery
from tests.docs.markdown import blocks
from tests.live import wait_until
from tests.platform_fixtures import *  # noqa: F403
from tests.receiver import LOOPBACK
from workers.webhooks import _send

pytestmark = pytest.mark.django_db


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_receiver_of_the_guide_takes_genuine_events_once(project, alice, settings, port):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    webhook, secret = services.create_webhook(project, f"http://127.0.0.1:{port}/", ["run.finished"], alice)
    [code] = [block.text for block in blocks("python") if "serve_forever" in block.text]
    environment = {**os.environ, "MER_WEBHOOK_SECRET": secret, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_until(lambda: answers(port), "the receiver to start", 20)
        [first] = services.announce(project.pk, "run.finished", {"url": "/api/v1/runs/1/"})
        [second] = services.announce(project.pk, "run.finished", {"url": "/api/v1/runs/2/"})
        assert [_send(delivery).status for delivery in (first, first, second)] == [204, 204, 204]
        webhook.nonce = signing.new_nonce()
        webhook.digest = ""
        webhook.save()
        forged = Delivery.objects.select_related("webhook").get(pk=second.pk)
        assert _send(forged).status == 403
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=20)
    assert printed.splitlines() == ["run.finished /api/v1/runs/1/", "run.finished /api/v1/runs/2/"]
