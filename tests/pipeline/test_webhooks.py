"""From an event to a request at another program: signatures, retries, pauses and replays, with a real receiver."""

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from mer_platform.jobs.models import Claim, Job
from mer_platform.projects.models import AuditEvent
from mer_platform.webhooks import services
from mer_platform.webhooks.models import Attempt, Delivery, Webhook
from tests.receiver import LOOPBACK, receiving
from workers.webhooks import deliver

pytestmark = pytest.mark.services
RUN = {"run": 7, "state": "finished", "url": "/api/v1/runs/7/"}


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = LOOPBACK
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def made(project, alice, receiver):
    """A webhook for finished runs, and its secret."""
    return services.create_webhook(project, receiver.url, ["run.finished"], alice)


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Return whether one of the signatures is right: the check of a receiver, written without our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{right}", one) for one in headers["webhook-signature"].split(" "))


def announce(project, **data) -> list[Delivery]:
    with transaction.atomic():
        return services.announce(project.pk, "run.finished", {**RUN, **data})


def due_now() -> None:
    """Let the waiting attempts be due."""
    Job.objects.filter(kind="webhook").update(not_before=None)


def test_an_event_arrives_signed(project, made, receiver, work):
    _, secret = made
    [delivery] = announce(project)
    work()
    [(headers, body)] = receiver.received
    assert verified(headers, body, secret)
    assert not verified(headers, body + b" ", secret)
    assert receiver.bodies[0]["type"] == "run.finished"
    assert receiver.bodies[0]["data"] == RUN
    assert abs(timezone.now().timestamp() - int(headers["webhook-timestamp"])) < 60
    delivery.refresh_from_db()
    assert (headers["webhook-id"], delivery.state) == (delivery.message_id, "delivered")
    attempt = delivery.attempts.get()
    assert (attempt.status, attempt.error, attempt.address) == (204, "", "127.0.0.1")
    assert Job.objects.get(kind="webhook").state == "done"


def test_only_webhooks_that_want_an_event_get_it(project, other_project, alice, bob, made, receiver):
    services.create_webhook(project, receiver.url, ["run.failed"], alice)
    services.create_webhook(project, receiver.url, ["run.finished"], alice, active=False)
    services.create_webhook(other_project, receiver.url, ["run.finished"], bob)
    assert [delivery.webhook for delivery in announce(project)] == [made[0]]


def test_an_event_that_is_rolled_back_is_not_sent(project, made, receiver, work):
    with transaction.atomic():
        services.announce(project.pk, "run.finished", RUN)
        transaction.set_rollback(True)
    work()
    assert not receiver.received
    assert not Delivery.objects.exists()
    assert not Job.objects.exists()


def test_an_event_with_a_key_is_stored_once(project, made, receiver, work):
    for _ in range(2):
        services.announce(project.pk, "run.finished", RUN, key="run:7")
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(webhook=made[0], event="run.finished", key="run:7", body="{}")
    announce(project)
    announce(project)  # without a key, each call is an event of its own
    work()
    assert len(receiver.received) == 3


def test_failures_are_tried_again_for_a_day_with_growing_pauses(project, made, receiver, work):
    receiver.answers = [(503, {}, b"busy")] * 8
    [delivery] = announce(project)
    waits = []
    for number in range(1, 9):
        before = timezone.now()
        work()
        delivery.refresh_from_db()
        assert len(receiver.received) == delivery.tries == number
        if delivery.next_attempt_at:
            waits.append((delivery.next_attempt_at - before).total_seconds())
            work()  # not due yet: nothing is sent
            assert len(receiver.received) == number
        due_now()
    assert delivery.state == "failed"
    for wait, planned in zip(waits, services.DELAYS[1:], strict=True):
        assert 0.79 * planned <= wait <= 1.21 * planned + 5
    assert 20 * 3600 < sum(waits) < 30 * 3600
    assert {headers["webhook-id"] for headers, _ in receiver.received} == {delivery.message_id}
    assert [attempt.answer for attempt in delivery.attempts.all()] == ["busy"] * 8
    assert Job.objects.get(kind="webhook").state == "done"
    assert len(services.DELAYS) < Job.MAX_ATTEMPTS  # restarts of the platform count too


def test_a_success_after_a_failure_ends_the_delivery(project, made, receiver, work):
    receiver.answers = [(500, {}, b""), (200, {}, b"ok")]
    [delivery] = announce(project)
    work()
    made[0].refresh_from_db()
    assert made[0].failing_since
    due_now()
    work()
    delivery.refresh_from_db()
    made[0].refresh_from_db()
    assert (delivery.state, delivery.tries, made[0].failing_since) == ("delivered", 2, None)


def test_a_receiver_may_ask_for_a_longer_wait(project, made, receiver, work):
    receiver.answers = [(429, {"Retry-After": "900"}, b"")]
    [delivery] = announce(project)
    work()
    delivery.refresh_from_db()
    assert (delivery.next_attempt_at - timezone.now()).total_seconds() > 890


def test_a_receiver_that_is_gone_is_paused_at_once(project, made, receiver, work):
    receiver.answers = [(410, {}, b"")]
    [delivery, *_] = announce(project)
    work()
    delivery.refresh_from_db()
    made[0].refresh_from_db()
    assert delivery.state == "failed"
    assert not made[0].active
    assert "no longer exists" in made[0].paused_because


def test_days_of_failures_pause_a_webhook_and_cancel_what_waits(project, alice, made, receiver, work):
    webhook = made[0]
    receiver.answers = [(500, {}, b"")] * 3
    [first] = announce(project)
    [second] = announce(project)
    work()
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=3, minutes=1))
    due_now()
    work()
    webhook.refresh_from_db()
    assert not webhook.active
    assert webhook.paused_because.startswith("No delivery has succeeded for 3 days.")
    assert set(Delivery.objects.values_list("state", flat=True)) == {"cancelled"}
    assert announce(project) == []
    assert AuditEvent.objects.filter(action__contains="was paused").exists()
    services.change_webhook(webhook, {"active": True}, alice)
    assert (webhook.active, webhook.paused_because, webhook.failing_since) == (True, "", None)
    assert len(announce(project)) == 1
    assert {first.pk, second.pk} < set(Delivery.objects.values_list("pk", flat=True))


def test_a_delivery_is_replayed_with_the_same_id(project, made, receiver, work):
    [delivery] = announce(project)
    assert not services.replay(delivery)  # it is still waiting
    work()
    delivery.refresh_from_db()
    assert services.replay(delivery)
    work()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.replays, delivery.attempts.count()) == ("delivered", 1, 2)
    (first, body), (again, same) = receiver.received
    assert first["webhook-id"] == again["webhook-id"]
    assert body == same


def test_a_test_event_is_sent_once_also_while_paused(project, alice, made, receiver, work):
    webhook = made[0]
    services.change_webhook(webhook, {"active": False}, alice)
    receiver.answers = [(500, {}, b"")]
    delivery = services.send_test(webhook)
    work()
    delivery.refresh_from_db()
    assert (delivery.state, receiver.bodies[0]["type"]) == ("failed", "webhook.test")


def test_both_secrets_sign_for_a_day_after_a_rotation(project, alice, made, receiver, work):
    webhook, old = made
    new = services.rotate_secret(webhook, alice)
    assert new != old
    announce(project)
    work()
    Webhook.objects.update(former_until=timezone.now() - timedelta(seconds=1))
    announce(project)
    work()
    (during, body), (after, later) = receiver.received
    assert verified(during, body, old)
    assert verified(during, body, new)
    assert not verified(after, later, old)
    assert verified(after, later, new)


def test_a_changed_key_of_the_installation_is_said(project, made, receiver, work, settings):
    [delivery] = announce(project)
    settings.SECRET_KEY = "changed" * 8
    work()
    assert not receiver.received
    assert "secret key has changed" in delivery.attempts.get().error


def test_a_private_address_is_refused_at_the_moment_of_sending(project, made, receiver, work, settings):
    [delivery] = announce(project)
    settings.WEBHOOK_ALLOW_PRIVATE = ["10.0.0.0/8"]
    work()
    assert not receiver.received
    assert "is not public" in delivery.attempts.get().error


def test_a_worker_that_lost_its_lease_writes_nothing(project, made, receiver):
    [delivery] = announce(project)
    job = Job.objects.get(kind="webhook")
    claim = Claim(job)
    claim.attempt += 1
    Job.objects.filter(pk=job.pk).update(state="running", attempt=claim.attempt + 1)
    with pytest.raises(Exception, match="webhook"):
        deliver(claim)
    delivery.refresh_from_db()
    assert (delivery.state, Attempt.objects.count()) == ("waiting", 0)


def test_the_log_is_kept_for_30_days(project, made, receiver, work):
    announce(project)
    announce(project)
    work()
    old, kept = Delivery.objects.order_by("pk")
    long_ago = timezone.now() - timedelta(days=30, minutes=1)
    Delivery.objects.filter(pk=old.pk).update(created_at=long_ago)
    Job.objects.filter(payload__delivery=old.pk).update(finished_at=long_ago)
    assert services.remove_old_deliveries() == 1
    assert list(Delivery.objects.all()) == [kept]
    assert [job.payload["delivery"] for job in Job.objects.all()] == [kept.pk]
