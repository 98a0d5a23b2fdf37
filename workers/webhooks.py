"""Queue ``webhooks``, kind ``webhook``: send an event to the address of another program.

The log is committed with the end of the attempt. A worker that dies in between sends the event once more, under the same
id, by which the receiver recognises it.
"""

import time

from django.utils import timezone

from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.webhooks import signing
from mer_platform.webhooks.events import TEST
from mer_platform.webhooks.models import Delivery
from mer_platform.webhooks.sending import Answer, post
from mer_platform.webhooks.services import record
from workers.runner import handles

KEY_CHANGED = (
    "The platform’s secret key has changed since the secret was shown, so the receiver could not verify a signature. Give "
    "the webhook a new secret."
)


def delivery_failed(job: Job, reason: str) -> None:
    waiting = Delivery.objects.filter(pk=job.payload["delivery"], state=Delivery.State.WAITING)
    waiting.update(state=Delivery.State.FAILED, next_attempt_at=None, finished_at=timezone.now())


@handles("webhook", failed=delivery_failed)
def deliver(claim: Claim) -> None:
    """Send one event, and record the answer. After a failure the job waits for its next attempt."""
    found = Delivery.objects.filter(pk=claim.job.payload["delivery"], state=Delivery.State.WAITING)
    delivery = found.select_related("webhook").first()
    if delivery is None:
        raise JobCancelled("it was deleted or cancelled")
    if not delivery.webhook.active and delivery.event != TEST and not delivery.replays:
        found.update(state=Delivery.State.CANCELLED, next_attempt_at=None, finished_at=timezone.now())
        raise JobCancelled("the webhook is paused")
    answer = _send(delivery)
    with claim.commit() as job:
        current = found.select_for_update().select_related("webhook").first()
        wait = record(current, answer) if current is not None else None
        if wait is None:
            claim.finish(job)
        else:
            claim.release("", wait)


def _send(delivery: Delivery) -> Answer:
    secrets = delivery.webhook.secrets()
    if not secrets:
        return Answer(0.0, error=KEY_CHANGED)
    body = delivery.body.encode()
    headers = signing.headers(secrets, delivery.message_id, int(time.time()), body)
    return post(delivery.webhook.url, body, headers)
