"""Announcing events, and what members do with webhooks: create, change, test, replay, delete."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from mer_platform.jobs.broker import WEBHOOK_QUEUE
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Project
from mer_platform.web import actor
from mer_platform.webhooks import signing
from mer_platform.webhooks.addresses import AddressRefused, place_of
from mer_platform.webhooks.events import EVENTS, TEST
from mer_platform.webhooks.models import Attempt, Delivery, Webhook
from mer_platform.webhooks.sending import Answer

# Seconds before each attempt: about 24 hours in total, and below Job.MAX_ATTEMPTS, which counts restarts too.
DELAYS = (0, 5, 300, 1800, 7200, 14400, 28800, 36000)
JITTER = 0.2  # of a delay, so that receivers that come back are not met by all at once
LONGEST_REQUEST = 3600.0  # a receiver may ask for a longer wait with Retry-After, up to this
PAUSE_AFTER = timedelta(days=3)  # without any success
GONE = 410  # the receiver says that it no longer exists


def announce(project_id: int, event: str, data: dict[str, Any], key: str = "") -> list[Delivery]:
    """Store an event for each webhook of the project that wants it. Call it in the transaction of the event.

    ``data`` holds ids, states and paths, and nothing that a blind coder must not see. With a ``key``, the same event
    is stored once, also if several workers announce it.
    """
    wanting = [hook for hook in Webhook.objects.filter(project=project_id, active=True) if hook.wants(event)]
    if not wanting:
        return []
    body = _body(event, data)
    if key:
        known = Delivery.objects.filter(webhook__in=wanting, key=key).values_list("webhook", flat=True)
        wanting = [hook for hook in wanting if hook.pk not in set(known)]
    with transaction.atomic():
        stored = [Delivery(webhook=hook, event=event, body=body, key=key) for hook in wanting]
        # Of two that announce the same key at once, the second one's rows are left out by the constraint.
        Delivery.objects.bulk_create(stored, ignore_conflicts=bool(key))
        ids = [delivery.message_id for delivery in stored]
        made = list(Delivery.objects.filter(message_id__in=ids).select_related("webhook"))
        for delivery in made:
            _enqueue(delivery)
    return made


def wanted(project_id: int, event: str) -> bool:
    """Return whether a webhook of the project wants an event, where finding out about it costs something."""
    return any(hook.wants(event) for hook in Webhook.objects.filter(project=project_id, active=True))


def public_url(path: str) -> str:
    """Return a path as a full address, if the settings name the platform's public one."""
    return f"{settings.CSRF_TRUSTED_ORIGINS[0].rstrip('/')}{path}" if settings.CSRF_TRUSTED_ORIGINS else path


def check_url(url: str) -> str:
    """Return the URL. Raises ValidationError if no webhook may have it."""
    try:
        place_of(url)
    except AddressRefused as refused:
        raise ValidationError(str(refused)) from refused
    return url


def check_events(events: Sequence[str]) -> list[str]:
    """Return the events in the order of their list. Raises ValidationError for none, or for an unknown one."""
    if unknown := sorted(set(events) - set(EVENTS)):
        raise ValidationError(f"“{unknown[0]}” is not an event. Choose from {', '.join(EVENTS)}.")
    if not events:
        raise ValidationError("Choose at least one event.")
    return [name for name in EVENTS if name in events]


def create_webhook(
    project: Project, url: str, events: Sequence[str], user: Any, description: str = "", active: bool = True
) -> tuple[Webhook, str]:
    """Return the webhook and its secret, which is shown once. Raises ValidationError by field."""
    errors: dict[str, Any] = {}
    for name, check in (("url", lambda: check_url(url)), ("events", lambda: check_events(events))):
        try:
            check()
        except ValidationError as error:
            errors[name] = error.messages
    if errors:
        raise ValidationError(errors)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        if project.webhooks.count() >= Webhook.MOST_PER_PROJECT:
            raise ValidationError(
                f"A project has at most {Webhook.MOST_PER_PROJECT} webhooks. Delete one that is no longer used."
            )
        webhook = Webhook.objects.create(
            project=project, url=url, events=check_events(events), description=description, active=active,
            created_by=actor(user),
        )  # fmt: skip
        AuditEvent.record(project, user, f"created {webhook} for {url}")
    return webhook, signing.shown(signing.secret_of(webhook.nonce))


def change_webhook(webhook: Webhook, changes: dict[str, Any], user: Any) -> None:
    """Change url, events, description or active, and save. To activate it again ends a pause of the platform.

    Raises ValidationError by field.
    """
    if "url" in changes and changes["url"] != webhook.url:
        _by_field("url", check_url, changes["url"])
    if "events" in changes:
        changes = {**changes, "events": _by_field("events", check_events, changes["events"])}
    with transaction.atomic():
        current = Webhook.objects.select_for_update().get(pk=webhook.pk)
        for name, value in changes.items():
            setattr(current, name, value)
        if changes.get("active"):
            current.paused_because, current.failing_since = "", None
        current.save()
        if changes.get("active") is False:
            _cancel_waiting(current)
        AuditEvent.record(current.project, user, f"changed {current} for {current.url}")
    webhook.refresh_from_db()


def rotate_secret(webhook: Webhook, user: Any) -> str:
    """Give it a new secret and return it, to be shown once. The former one signs for a day too."""
    with transaction.atomic():
        current = Webhook.objects.select_for_update().get(pk=webhook.pk)
        secret = current.rotate()
        current.save()
        AuditEvent.record(current.project, user, f"gave {current} a new secret")
    webhook.refresh_from_db()
    return secret


def delete_webhook(webhook: Webhook, user: Any) -> None:
    """Delete it with its log. What is waiting is not sent."""
    with transaction.atomic():
        Job.cancel_group(f"webhook:{webhook.pk}")
        AuditEvent.record(webhook.project, user, f"deleted {webhook} for {webhook.url}")
        webhook.delete()


def send_test(webhook: Webhook) -> Delivery:
    """Send a test event, once, also to a webhook that is paused."""
    with transaction.atomic():
        body = _body(TEST, {"webhook": webhook.pk, "project": webhook.project_id})
        delivery = Delivery.objects.create(webhook=webhook, event=TEST, body=body)
        _enqueue(delivery)
    return delivery


def replay(delivery: Delivery) -> bool:
    """Send a delivery again, with the same id and body. Return False if it is still waiting."""
    with transaction.atomic():
        current = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if current.state == Delivery.State.WAITING:
            return False
        current.state, current.tries, current.replays = Delivery.State.WAITING, 0, current.replays + 1
        current.finished_at = current.next_attempt_at = None
        current.save()
        _enqueue(current)
    delivery.refresh_from_db()
    return True


def record(delivery: Delivery, answer: Answer) -> float | None:
    """Store what came of an attempt, in the transaction of the job. Return the seconds until the next, or None."""
    Attempt.objects.create(
        delivery=delivery,
        milliseconds=round(answer.seconds * 1000),
        address=answer.address,
        status=answer.status,
        answer=answer.text,
        error=answer.error[:300],
    )
    delivery.tries += 1
    wait = None if answer.ok or delivery.event == TEST else _next_delay(delivery.tries, answer)
    if wait is not None:
        delivery.next_attempt_at = timezone.now() + timedelta(seconds=wait)
    else:
        delivery.state = Delivery.State.DELIVERED if answer.ok else Delivery.State.FAILED
        delivery.next_attempt_at, delivery.finished_at = None, timezone.now()
    delivery.save(update_fields=["tries", "state", "next_attempt_at", "finished_at"])
    _judge(delivery.webhook, answer)
    return wait


def remove_old_deliveries(now: datetime | None = None) -> int:
    """Remove what was stored more than 30 days ago, with the jobs that sent it. Return how many deliveries."""
    until = (now or timezone.now()) - Delivery.KEPT
    old = Delivery.objects.filter(created_at__lt=until).order_by("pk").values_list("pk", flat=True)[:500]
    ids = list(old)
    if ids:
        with transaction.atomic():
            ended = Job.objects.filter(queue=WEBHOOK_QUEUE, finished_at__lt=until).exclude(state__in=Job.OPEN)
            ended.delete()
            Delivery.objects.filter(pk__in=ids).delete()
    return len(ids)


def _judge(webhook: Webhook, answer: Answer) -> None:
    """Note whether the webhook works, and pause it if it has not for days, or says that it is gone."""
    rows = Webhook.objects.filter(pk=webhook.pk)
    if answer.ok:
        if webhook.failing_since is not None:
            rows.update(failing_since=None)
        return
    now = timezone.now()
    rows.filter(failing_since=None).update(failing_since=now)
    current = rows.filter(active=True).first()
    if current is None:
        return
    reason = ""
    if answer.status == GONE:
        reason = "The receiver answered 410: it no longer exists."
    elif current.failing_since is not None and now - current.failing_since >= PAUSE_AFTER:
        reason = f"No delivery has succeeded for {PAUSE_AFTER.days} days. The last reason: {answer.error}"
    if reason:
        rows.filter(active=True).update(active=False, paused_because=reason[:300])
        _cancel_waiting(current)
        AuditEvent.record(current.project, None, f"{current} for {current.url} was paused, because it fails")


def _cancel_waiting(webhook: Webhook) -> None:
    """Cancel what waits. Its jobs notice when they are due."""
    waiting = webhook.deliveries.filter(state=Delivery.State.WAITING).exclude(event=TEST)
    waiting.update(state=Delivery.State.CANCELLED, next_attempt_at=None, finished_at=timezone.now())


def _next_delay(tries: int, answer: Answer) -> float | None:
    """Return the seconds until the next attempt after so many, or None if there is none."""
    if tries >= len(DELAYS) or answer.status == GONE:
        return None
    delay = DELAYS[tries] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(delay, min(answer.retry_after, LONGEST_REQUEST))


def _enqueue(delivery: Delivery) -> None:
    key = f"webhook:{delivery.webhook_id}:{delivery.pk}:{delivery.replays}"
    payload = {"delivery": delivery.pk}
    project = delivery.webhook.project_id
    Job.enqueue("webhook", WEBHOOK_QUEUE, project, key, delivery.group, payload)


def _body(event: str, data: dict[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {"type": event, "timestamp": now, "data": data}, ensure_ascii=False, separators=(",", ":")
    )


def _by_field(name: str, check: Any, value: Any) -> Any:
    try:
        return check(value)
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from error
